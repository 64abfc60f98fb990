package background

import "unsafe"

//go:wasmexport tollgate:proxy/background@0.1.0#tick
func exportTick() unsafe.Pointer { return work.Tick() }
