package tollgate

import "time"

// State is the plugin's bucket: data that outlives an exchange. The plugin needs the permission `state`.
//
// Each method takes effect at one moment, also between hosts that share a Redis server. Its error is a [*StateError]. In the
// trial of a version the bucket is empty and forgotten afterwards. A time to live of 0 means for ever.
var State Bucket

// Bucket is the type of [State].
type Bucket struct{}

// Get is the value of a key, and whether there is one that has not expired.
func (Bucket) Get(key string) ([]byte, bool, error) {
	enter()
	defer leave()
	return hostStateGet(key)
}

// Set sets a value, with a time to live. One of 0 makes it stay, whatever was said before.
func (Bucket) Set(key string, value []byte, ttl time.Duration) error {
	enter()
	defer leave()
	return hostStateSet(key, value, ttl)
}

// Delete removes a key, and says whether there was one.
func (Bucket) Delete(key string) (bool, error) {
	enter()
	defer leave()
	return hostStateDelete(key)
}

// Increment adds to a whole number, written in decimal, and gives the sum. An absent key counts as 0. The time to live
// counts from when the key is created, so it makes a counter for a fixed period.
func (Bucket) Increment(key string, by int64, ttl time.Duration) (int64, error) {
	enter()
	defer leave()
	return hostStateIncrement(key, by, ttl)
}

// CompareAndSwap replaces a value if it is as expected, and says whether it was. nil is an absent key; as the new value it
// removes the key. An empty value is not nil.
func (Bucket) CompareAndSwap(key string, expected, replacement []byte, ttl time.Duration) (bool, error) {
	enter()
	defer leave()
	return hostStateSwap(key, expected, replacement, ttl)
}

// Keys are the keys that begin with a prefix, in the order of their bytes, behind `after` unless that is empty, at most limit
// and at most 1000.
func (Bucket) Keys(prefix, after string, limit int) ([]string, error) {
	enter()
	defer leave()
	return hostStateKeys(prefix, after, uint32(min(max(limit, 0), 1000)))
}

// milliseconds rounds up, so that a short time is not none.
func milliseconds(duration time.Duration) uint64 {
	if duration <= 0 {
		return 0
	}
	return uint64((duration-1)/time.Millisecond) + 1
}

// StateErrorKind says why the state could not be read or written.
type StateErrorKind uint8

const (
	// StateTooLarge: the key or the value is longer than allowed. Nothing was changed.
	StateTooLarge StateErrorKind = iota
	// StateFull: the bucket may not hold more. Nothing was changed.
	StateFull
	// StateNotANumber: the value is not a whole number, or would not fit into 64 bits. Nothing was changed.
	StateNotANumber
	// StateTimedOut: the store did not answer in time. A write may have been done.
	StateTimedOut
	// StateUnavailable: the store cannot be used at the moment. A write may have been done.
	StateUnavailable
)

// String is the contract's word.
func (kind StateErrorKind) String() string {
	return caseName(kind, "too-large", "full", "not-a-number", "timed-out", "unavailable")
}

// StateError is why the state could not be read or written.
type StateError struct {
	Kind   StateErrorKind
	Detail string
}

func (e *StateError) Error() string { return e.Detail }

func caseName[K ~uint8](kind K, words ...string) string {
	if int(kind) < len(words) {
		return words[kind]
	}
	return "unknown"
}
