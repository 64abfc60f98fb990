package tollgate

import (
	"os"
	"unsafe"
)

// The host's functions as the canonical ABI has them: a list or string is a pointer and a length, and a result that is
// not one number is written to where the last parameter points.

//go:wasmimport tollgate:proxy/request@0.1.0 method
func requestMethod(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 set-method
func requestSetMethod(method string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 scheme
func requestScheme(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 authority
func requestAuthority(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 set-authority
func requestSetAuthority(authority string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 target
func requestTarget(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 set-target
func requestSetTarget(target string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 field
func requestField(name string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 field-values
func requestFieldValues(name string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 fields
func requestFields(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 set-field
func requestSetField(name, value string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 set-fields
func requestSetFields(fields unsafe.Pointer, count uint32, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 append-field
func requestAppendField(name, value string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 delete-field
func requestDeleteField(name string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 body
func requestBody(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/request@0.1.0 set-body
func requestSetBody(body unsafe.Pointer, length uint32)

//go:wasmimport tollgate:proxy/response@0.1.0 status
func responseStatus() uint32

//go:wasmimport tollgate:proxy/response@0.1.0 set-status
func responseSetStatus(status uint32, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 field
func responseField(name string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 field-values
func responseFieldValues(name string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 fields
func responseFields(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 set-field
func responseSetField(name, value string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 set-fields
func responseSetFields(fields unsafe.Pointer, count uint32, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 append-field
func responseAppendField(name, value string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 delete-field
func responseDeleteField(name string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 body
func responseBody(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/response@0.1.0 set-body
func responseSetBody(body unsafe.Pointer, length uint32)

//go:wasmimport tollgate:proxy/exchange@0.1.0 id
func exchangeID(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/exchange@0.1.0 client-address
func exchangeClientAddress(result unsafe.Pointer)

//go:wasmimport tollgate:proxy/exchange@0.1.0 note
func exchangeNote(key string, result unsafe.Pointer)

//go:wasmimport tollgate:proxy/exchange@0.1.0 set-note
func exchangeSetNote(key string, value unsafe.Pointer, length uint32)

//go:wasmimport wasi:config/store@0.2.0-rc.1 get
func storeGet(key string, result unsafe.Pointer)

//go:wasmimport wasi:config/store@0.2.0-rc.1 get-all
func storeGetAll(result unsafe.Pointer)

//go:wasmimport wasi:logging/logging@0.1.0-draft log
func loggingLog(level uint32, context, message string)

// The plugin's exports. What they return is read by the host before anything else runs here.

var (
	hookResult [3]uint32
	hookError  string
)

//go:wasmexport tollgate:proxy/lifecycle@0.1.0#start
func exportStart() unsafe.Pointer {
	prepare()
	return lowerResult(0, start())
}

//go:wasmexport tollgate:proxy/interceptor@0.1.0#forward-request
func exportForwardRequest() unsafe.Pointer {
	prepare()
	verdict, err := forwardRequest()
	return lowerResult(uint32(verdict), err)
}

//go:wasmexport tollgate:proxy/interceptor@0.1.0#return-response
func exportReturnResponse() unsafe.Pointer {
	prepare()
	return lowerResult(0, returnResponse())
}

// pluginMain is the plugin's own, which Go doesn't run in a library.
//
//go:linkname pluginMain main.main
func pluginMain()

var prepared bool

// prepare comes before the first hook. A plugin may register its hooks in main, too; one that registers none ends here, with
// words that the host tells.
func prepare() {
	if prepared {
		return
	}
	prepared, running = true, true
	pluginMain()
	if why := misused(); why != "" {
		hostLog(LevelCritical, "", why)
		os.Exit(1)
	}
}

func lowerResult(value uint32, err error) unsafe.Pointer {
	hookResult = [3]uint32{0, value, 0}
	if err != nil {
		hookError = err.Error()
		hookResult = [3]uint32{1, address(unsafe.Pointer(unsafe.StringData(hookError))), uint32(len(hookError))}
	}
	return unsafe.Pointer(&hookResult)
}

func address(pointer unsafe.Pointer) uint32 { return uint32(uintptr(pointer)) }
