package requestbody

import "unsafe"

//go:wasmexport tollgate:proxy/request-body@0.1.0#begin
func exportBegin() unsafe.Pointer { return body.Begin() }

//go:wasmexport tollgate:proxy/request-body@0.1.0#piece
func exportPiece(data unsafe.Pointer, length uint32) unsafe.Pointer { return body.Piece(data, length) }

//go:wasmexport tollgate:proxy/request-body@0.1.0#end
func exportEnd() unsafe.Pointer { return body.End() }
