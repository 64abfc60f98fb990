package tollgate

import (
	"encoding/binary"
	"math"
	"time"
	"unsafe"
)

// State, outbound requests, waiting, metrics and bodies, as the canonical ABI has them. An option is its case and its value.

//go:wasmimport tollgate:proxy/state@0.1.0 get
func stateGet(key string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/state@0.1.0 set
func stateSet(key string, value unsafe.Pointer, length uint32, hasTTL uint32, ttl uint64, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/state@0.1.0 delete
func stateDelete(key string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/state@0.1.0 increment
func stateIncrement(key string, by int64, hasTTL uint32, ttl uint64, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/state@0.1.0 compare-and-swap
func stateCompareAndSwap(key string, hasExpected uint32, expected unsafe.Pointer, expectedLength uint32,
	hasReplacement uint32, replacement unsafe.Pointer, replacementLength uint32, hasTTL uint32, ttl uint64, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/state@0.1.0 keys
func stateKeys(prefix string, hasAfter uint32, after string, limit uint32, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/client@0.1.0 send
func clientSend(method, url string, fields unsafe.Pointer, count uint32, body unsafe.Pointer, length uint32, hasTimeout,
	timeout uint32, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/client@0.1.0 send-all
func clientSendAll(requests unsafe.Pointer, count uint32, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/backends@0.1.0 set-backend
func backendsSet(name string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/backends@0.1.0 backend
func backendsCurrent(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/timer@0.1.0 sleep
func timerSleep(ms uint64)

//go:wasmimport tollgate:proxy/metrics@0.1.0 describe
func metricsDescribe(name, help string, buckets unsafe.Pointer, count uint32)

//go:wasmimport tollgate:proxy/metrics@0.1.0 add
func metricsAdd(name string, by float64, labels unsafe.Pointer, count uint32)

//go:wasmimport tollgate:proxy/metrics@0.1.0 set
func metricsSet(name string, value float64, labels unsafe.Pointer, count uint32)

//go:wasmimport tollgate:proxy/metrics@0.1.0 observe
func metricsObserve(name string, value float64, labels unsafe.Pointer, count uint32)

//go:wasmimport tollgate:proxy/body-sink@0.1.0 emit
func sinkEmit(data unsafe.Pointer, length uint32)

// ttlOf is an option of milliseconds; none for 0.
func ttlOf(ttl time.Duration) (uint32, uint64) {
	ms := milliseconds(ttl)
	return yes(ms > 0), ms
}

func yes(is bool) uint32 {
	if is {
		return 1
	}
	return 0
}

func bytesOf(data []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(data)), uint32(len(data))
}

// stateError reads the error of a result whose value begins at a word.
func stateError(value int) error {
	if tag(0) == 0 {
		return nil
	}
	return &StateError{StateErrorKind(tag(value)), textAt(word(value+1), word(value+2))}
}

func hostStateGet(key string) ([]byte, bool, error) {
	call(func(result unsafe.Pointer) { stateGet(key, result) })
	if err := stateError(1); err != nil || tag(1) == 0 {
		return nil, false, err
	}
	return bytesAt(word(2), word(3)), true, nil
}

func hostStateSet(key string, value []byte, ttl time.Duration) error {
	data, length := bytesOf(value)
	hasTTL, ms := ttlOf(ttl)
	call(func(result unsafe.Pointer) { stateSet(key, data, length, hasTTL, ms, result) })
	return stateError(1)
}

func hostStateDelete(key string) (bool, error) {
	call(func(result unsafe.Pointer) { stateDelete(key, result) })
	err := stateError(1)
	return err == nil && tag(1) != 0, err
}

func hostStateIncrement(key string, by int64, ttl time.Duration) (int64, error) {
	hasTTL, ms := ttlOf(ttl)
	call(func(result unsafe.Pointer) { stateIncrement(key, by, hasTTL, ms, result) })
	if err := stateError(2); err != nil {
		return 0, err
	}
	return int64(result[1]), nil
}

func hostStateSwap(key string, expected, replacement []byte, ttl time.Duration) (bool, error) {
	before, beforeLength := bytesOf(expected)
	after, afterLength := bytesOf(replacement)
	hasTTL, ms := ttlOf(ttl)
	call(func(result unsafe.Pointer) {
		stateCompareAndSwap(key, yes(expected != nil), before, beforeLength, yes(replacement != nil), after, afterLength, hasTTL, ms,
			result)
	})
	err := stateError(1)
	return err == nil && tag(1) != 0, err
}

func hostStateKeys(prefix, after string, limit uint32) ([]string, error) {
	call(func(result unsafe.Pointer) { stateKeys(prefix, yes(after != ""), after, limit, result) })
	if err := stateError(1); err != nil {
		return nil, err
	}
	words := wordsAt(word(1), 2*word(2))
	keys := make([]string, len(words)/2)
	for i := range keys {
		keys[i] = textAt(words[2*i], words[2*i+1])
	}
	return keys, nil
}

func timeoutOf(request *OutgoingRequest) (uint32, uint32) {
	ms := min(milliseconds(request.Timeout), math.MaxUint32)
	return yes(ms > 0), uint32(ms)
}

func hostSend(request OutgoingRequest) (*IncomingResponse, error) {
	list := lowerFields(request.Fields)
	lowered = list
	body, length := bytesOf(request.Body)
	hasTimeout, timeout := timeoutOf(&request)
	call(func(result unsafe.Pointer) {
		fields := unsafe.Pointer(unsafe.SliceData(list))
		clientSend(request.Method, request.URL, fields, uint32(len(request.Fields)), body, length, hasTimeout, timeout, result)
	})
	lowered = nil
	return received(unsafe.Slice((*uint32)(unsafe.Pointer(&result)), responseWords))
}

// responseWords is how long a result of a response or an error is.
const responseWords = 8

// requestBytes is how long a request is in a list.
const requestBytes = 40

// loweredAll keeps what a list of requests points to alive while the host reads it.
var loweredAll [][]byte

func hostSendAll(requests []OutgoingRequest) []SendResult {
	list := make([]byte, requestBytes*len(requests)+1)
	loweredAll = [][]byte{list}
	for i := range requests {
		at := list[requestBytes*i:]
		put := func(word int, start unsafe.Pointer, length int) {
			binary.LittleEndian.PutUint32(at[4*word:], address(start))
			binary.LittleEndian.PutUint32(at[4*word+4:], uint32(length))
		}
		// Copies on the heap, where they don't move.
		keep := func(data []byte) unsafe.Pointer {
			loweredAll = append(loweredAll, data)
			return unsafe.Pointer(unsafe.SliceData(data))
		}
		request := &requests[i]
		put(0, keep([]byte(request.Method)), len(request.Method))
		put(2, keep([]byte(request.URL)), len(request.URL))
		put(4, keep(lowerFields(request.Fields)), len(request.Fields))
		put(6, keep(request.Body), len(request.Body))
		hasTimeout, timeout := timeoutOf(request)
		binary.LittleEndian.PutUint32(at[32:], hasTimeout)
		binary.LittleEndian.PutUint32(at[36:], timeout)
	}
	call(func(result unsafe.Pointer) {
		clientSendAll(unsafe.Pointer(unsafe.SliceData(list)), uint32(len(requests)), result)
	})
	loweredAll, lowered = nil, nil
	words := wordsAt(word(0), responseWords*word(1))
	results := make([]SendResult, len(words)/responseWords)
	for i := range results {
		results[i].Response, results[i].Err = received(words[responseWords*i : responseWords*(i+1)])
	}
	return results
}

// received copies a response or an error out of the words of a result.
func received(words []uint32) (*IncomingResponse, error) {
	if uint8(words[0]) != 0 {
		return nil, &SendError{SendErrorKind(uint8(words[1])), textAt(words[2], words[3])}
	}
	return &IncomingResponse{
		Status:   int(uint16(words[1])),
		Fields:   pairsAt(words[2], words[3]),
		Body:     bytesAt(words[4], words[5]),
		Trailers: pairsAt(words[6], words[7]),
	}, nil
}

func hostSetBackend(name string) error {
	call(func(result unsafe.Pointer) { backendsSet(name, result) })
	if tag(0) == 0 {
		return nil
	}
	kind := BackendErrorKind(tag(1))
	if kind >= BackendTooLate {
		return &BackendError{Kind: BackendTooLate}
	}
	return &BackendError{kind, textAt(word(2), word(3))}
}

func hostBackend() string { return hostText(backendsCurrent) }

func hostSleep(ms uint64) { timerSleep(ms) }

func hostDescribe(name, help string, buckets []float64) {
	metricsDescribe(name, help, unsafe.Pointer(unsafe.SliceData(buckets)), uint32(len(buckets)))
}

func addMetric(name string, by float64, labels []Field) {
	withLabels(labels, func(list unsafe.Pointer, count uint32) { metricsAdd(name, by, list, count) })
}

func setMetric(name string, value float64, labels []Field) {
	withLabels(labels, func(list unsafe.Pointer, count uint32) { metricsSet(name, value, list, count) })
}

func observeMetric(name string, value float64, labels []Field) {
	withLabels(labels, func(list unsafe.Pointer, count uint32) { metricsObserve(name, value, list, count) })
}

func withLabels(labels []Field, record func(list unsafe.Pointer, count uint32)) {
	list := lowerFields(labels)
	lowered = list
	record(unsafe.Pointer(unsafe.SliceData(list)), uint32(len(labels)))
	lowered = nil
}

func hostEmit(data []byte) { sinkEmit(bytesOf(data)) }

// What the packages for bodies export.

// Begin is exported as begin.
func (b *BodyExport) Begin() unsafe.Pointer {
	prepare()
	wish, err := b.begin()
	lowered := uint32(0)
	if wish != nil {
		lowered = 1 | uint32(wish.Unit)<<8 | yes(wish.Decoded)<<16
	}
	return lowerResult(lowered, err)
}

// Piece is exported as piece. The host wrote the piece before the call.
func (b *BodyExport) Piece(data unsafe.Pointer, length uint32) unsafe.Pointer {
	piece := bytesAt(address(data), length)
	freeBlocks()
	fate, err := b.piece(piece)
	return lowerResult(uint32(fate), err)
}

// End is exported as end.
func (b *BodyExport) End() unsafe.Pointer { return lowerResult(0, b.end()) }

// Tick is exported by the package tollgate/background.
func (b *BackgroundExport) Tick() unsafe.Pointer {
	prepare()
	return lowerResult(0, b.tick())
}
