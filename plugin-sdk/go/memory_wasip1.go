package tollgate

import "unsafe"

// Memory for what the host hands over. While the host asks for it, the component may not call out, not even for the
// time of day, and Go's allocator does that when it starts to collect garbage: the call would trap with "cannot leave
// component instance". So this memory is not Go's. It comes from a static block, and if that is too small from the
// function that the runtime itself takes memory from; it is used again by the next call. What the host wrote is copied to
// Go's heap once the call is over, where collecting is harmless.
//
// The functions that run on the host's behalf are `nosplit`, since growing the stack allocates too.

const (
	// page is what the preview 1 adapter takes for itself, once for its stack and once for its state.
	page = 64 << 10
	// smallBlock holds the results of nearly all calls; bodies may be larger.
	smallBlock = 64 << 10
	// most is how many larger blocks there can be: their sizes are the powers of two.
	most = 16
)

var (
	// forAdapter is given out while the runtime itself starts, for good.
	forAdapter     [2*page + 16]byte
	forAdapterUsed uintptr

	small [smallBlock]byte
	// blocks are those larger than small, and in use up to used bytes by the call to the host that runs.
	blocks     [most]block
	blockCount int
	smallUsed  uintptr

	// inCall is whether a call to the host runs, which is when results are asked for.
	inCall bool
	// running is whether the plugin was called. From then on the host asks for memory outside of a call to it, too: for the
	// piece of a body that it is about to give.
	running bool
)

type block struct{ base, size, used uintptr }

// sbrk is how Go's runtime takes memory from WebAssembly. It needs `-ldflags=-checklinkname=0`.
//
//go:linkname sbrk runtime.sbrk
func sbrk(n uintptr) unsafe.Pointer

//go:wasmexport cabi_realloc
//go:nosplit
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	var fresh unsafe.Pointer
	if inCall || running {
		fresh = allocate(uintptr(size), uintptr(align))
	} else {
		fresh = allocateForAdapter(uintptr(size))
	}
	for i := uintptr(0); i < uintptr(min(oldSize, size)); i++ {
		*(*byte)(unsafe.Add(fresh, i)) = *(*byte)(unsafe.Add(old, i))
	}
	return fresh
}

//go:nosplit
func allocateForAdapter(size uintptr) unsafe.Pointer {
	forAdapterUsed = (forAdapterUsed + 7) &^ 7
	if size > uintptr(len(forAdapter))-forAdapterUsed {
		return sbrk(size)
	}
	start := unsafe.Add(unsafe.Pointer(&forAdapter), forAdapterUsed)
	forAdapterUsed += size
	return start
}

//go:nosplit
func allocate(size, align uintptr) unsafe.Pointer {
	if start := (smallUsed + align - 1) &^ (align - 1); start <= smallBlock && size <= smallBlock-start {
		smallUsed = start + size
		return unsafe.Add(unsafe.Pointer(&small), start)
	}
	for i := 0; i < blockCount; i++ {
		b := &blocks[i]
		if start := (b.used + align - 1) &^ (align - 1); start <= b.size && size <= b.size-start {
			b.used = start + size
			return unsafe.Add(nil, b.base+start)
		}
	}
	return allocateBlock(size)
}

// allocateBlock takes new memory: at least twice as much as the last block, if there is that much.
//
//go:nosplit
func allocateBlock(size uintptr) unsafe.Pointer {
	room := uintptr(2 * smallBlock)
	if blockCount > 0 {
		room = 2 * blocks[blockCount-1].size
	}
	for room < size {
		room *= 2
	}
	if blockCount == most {
		return nowhere()
	}
	base := sbrk(room)
	if base == nil {
		room = size
		base = sbrk(room)
	}
	if base == nil {
		return nowhere()
	}
	blocks[blockCount] = block{uintptr(base), room, size}
	blockCount++
	return base
}

// nowhere is past the end of memory: the host says so and ends the call. A panic could not even print.
//
//go:nosplit
func nowhere() unsafe.Pointer { return unsafe.Add(nil, uintptr(0xffff_fff8)) }

// beginCall makes the memory ready for a call to the host. The stack grows here if it is nearly full, so that it needn't
// while the call runs.
func beginCall() {
	needStack()
	freeBlocks()
	inCall = true
}

// freeBlocks gives all of the memory out again. What the host wrote was copied.
func freeBlocks() {
	smallUsed = 0
	for i := range blockCount {
		blocks[i].used = 0
	}
}

func endCall() { inCall = false }

//go:noinline
func needStack() {
	var room [2 << 10]byte
	touch(&room)
}

//go:noinline
func touch(room *[2 << 10]byte) { room[0] = 1 }

// bytesAt copies what the host wrote.
func bytesAt(start, length uint32) []byte {
	copied := make([]byte, length)
	copy(copied, unsafe.Slice((*byte)(unsafe.Add(nil, uintptr(start))), length))
	return copied
}

func textAt(start, length uint32) string {
	return string(unsafe.Slice((*byte)(unsafe.Add(nil, uintptr(start))), length))
}

// wordsAt is count numbers that the host wrote, in place: to be read before the next call.
func wordsAt(start, count uint32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Add(nil, uintptr(start))), count)
}
