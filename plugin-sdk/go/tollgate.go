// Package tollgate is for plugins of tollgate, the HTTP proxy, in Go.
//
// A plugin registers one or two hooks, in an init function or in main. While one runs, the request, the response and the
// functions of this package speak of the exchange that it was called for:
//
//	func init() {
//		tollgate.OnRequest(func(request tollgate.Request, response tollgate.Response) (tollgate.Verdict, error) {
//			return tollgate.Forward, request.SetField("x-hello", "world")
//		})
//	}
//
//	func main() {}
//
// The contract, with all that the host promises, is the package tollgate:proxy in the project's folder wit.
package tollgate

// Verdict is what becomes of a request.
type Verdict uint8

const (
	// Forward lets the request go on to the next plugin, and behind the last one to the backend.
	Forward Verdict = iota
	// Respond makes the response as the hook left it the answer. Later plugins and the backend are skipped.
	Respond
)

// RequestHook is called before the backend is asked, as soon as the request's head is there. The response is an empty
// 200 without fields; it becomes the answer if the hook returns [Respond], else it is forgotten.
type RequestHook func(Request, Response) (Verdict, error)

// ResponseHook is called when the response's head is there, whoever made it. The request can be read but is past
// changing.
type ResponseHook func(Request, Response) error

// StartHook is called once for each new instance, before the other hooks.
type StartHook func() error
