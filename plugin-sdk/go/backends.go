package tollgate

// Backends is the choice of the backend that a request is sent to. The plugin needs the permission `backends`, which lists the names of
// backends in the configuration.
var Backends Chooser

// Chooser is the type of [Backends].
type Chooser struct{}

// Choose sends the request to this backend, in the hook for requests; the last call counts, whichever plugin makes it. The field `host`
// is not changed: see [Request.SetAuthority]. Its error is a [*BackendError].
func (Chooser) Choose(name string) error {
	enter()
	defer leave()
	return hostSetBackend(name)
}

// Current is the name of the backend that the request is sent to: the one that was chosen last, else that of the route.
func (Chooser) Current() string {
	enter()
	defer leave()
	return hostBackend()
}

// BackendErrorKind says why the backend was not changed.
type BackendErrorKind uint8

const (
	// BackendDenied: the plugin has no permission for this backend.
	BackendDenied BackendErrorKind = iota
	// BackendUnknown: the configuration has no backend with this name.
	BackendUnknown
	// BackendTooLate: there is no request to be sent.
	BackendTooLate
)

// String is the contract's word.
func (kind BackendErrorKind) String() string { return caseName(kind, "denied", "unknown", "too-late") }

// BackendError is why the backend of a request was not changed.
type BackendError struct {
	Kind   BackendErrorKind
	Detail string
}

func (e *BackendError) Error() string {
	if e.Kind == BackendTooLate {
		return "the backend can be chosen in the hook for requests alone"
	}
	return e.Detail
}
