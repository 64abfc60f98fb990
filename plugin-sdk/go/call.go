package tollgate

import (
	"runtime"
	"sync"
	"unsafe"
)

// A goroutine may live longer than the hook that started it, and go on when a hook runs for another exchange. All functions
// of the host speak of the current exchange, so what it then reads and changes would be another client's. So each call of a
// hook has a mark. Goroutines inherit it, as they inherit pprof's labels, in whose place it is. Only a goroutine with the mark
// of the call in hand may call the host; any other is ended, which leaves the call in hand alone.

// mark is empty labels in every version of Go, and by its address the mark of one call.
type mark [8]unsafe.Pointer

var (
	// current is the mark of the call in hand, nil between calls.
	current *mark
	// started is whether a hook was called at all. Before that init functions may ask for settings.
	started bool
	// host is held by the goroutine that calls the host, until it has copied what the host wrote: copying allocates, which may
	// let another goroutine run.
	host sync.Mutex
)

//go:linkname setLabels runtime/pprof.runtime_setProfLabel
func setLabels(labels unsafe.Pointer)

//go:linkname getLabels runtime/pprof.runtime_getProfLabel
func getLabels() unsafe.Pointer

// begin makes this goroutine, and those that it starts, the ones that may call the host.
func begin() *mark {
	host.Lock()
	defer host.Unlock()
	current, started = new(mark), true
	setLabels(unsafe.Pointer(current))
	return current
}

// end takes that away.
func (*mark) end() {
	host.Lock()
	defer host.Unlock()
	current = nil
	setLabels(nil)
}

// enter waits for the host; the goroutine ends here if it belongs to no call of a hook or to one that is over.
func enter() {
	host.Lock()
	if !started || current != nil && getLabels() == unsafe.Pointer(current) {
		return
	}
	hostLog(LevelError, "", "a goroutine that the hook in hand did not start called the host, and was ended")
	host.Unlock()
	runtime.Goexit()
}

// leave lets others call the host. What the caller needs of what the host wrote it has copied.
func leave() { host.Unlock() }
