package tollgate

import (
	"encoding/json"
	"fmt"
	"net/textproto"
	"time"
)

// Client sends HTTP requests. The plugin needs the permission `http`, which lists where requests may go.
//
// A method waits for the whole response. Its error is a [*SendError]; a response with any status is none. Redirects are not
// followed, and nothing is sent in the trial of a version.
var Client Sender

// Sender is the type of [Client].
type Sender struct{}

// OutgoingRequest is a request to be sent.
type OutgoingRequest struct {
	// Method is GET if it is empty.
	Method string
	// URL is absolute, with the scheme http or https.
	URL string
	// Fields are header fields. The host sets those of the connection and the framing, and `host` if it is absent.
	Fields []Field
	Body   []byte
	// Timeout is that of the whole call, at most the host's, which it is if it is 0.
	Timeout time.Duration
}

// IncomingResponse is a response that was received. Names of fields are in lower case.
type IncomingResponse struct {
	Status           int
	Fields, Trailers []Field
	Body             []byte
}

// Field is the first value of a header field, and whether the response has it.
func (r *IncomingResponse) Field(name string) (string, bool) {
	for _, field := range r.Fields {
		if textproto.CanonicalMIMEHeaderKey(field.Name) == textproto.CanonicalMIMEHeaderKey(name) {
			return field.Value, true
		}
	}
	return "", false
}

// JSON decodes the body. A status that is not one of success (2xx) is an error.
func (r *IncomingResponse) JSON(value any) error {
	if r.Status < 200 || r.Status > 299 {
		return fmt.Errorf("the response has the status %d", r.Status)
	}
	return json.Unmarshal(r.Body, value)
}

// Get sends a GET request.
func (c Sender) Get(url string) (*IncomingResponse, error) {
	return c.Send(OutgoingRequest{URL: url})
}

// Send sends a request.
func (Sender) Send(request OutgoingRequest) (*IncomingResponse, error) {
	enter()
	defer leave()
	return hostSend(withMethod(request))
}

// SendResult is a response or why there is none.
type SendResult struct {
	Response *IncomingResponse
	Err      error
}

// SendAll sends several requests at the same time. The results are in the order of the requests.
func (Sender) SendAll(requests []OutgoingRequest) []SendResult {
	named := make([]OutgoingRequest, len(requests))
	for i, request := range requests {
		named[i] = withMethod(request)
	}
	enter()
	defer leave()
	return hostSendAll(named)
}

func withMethod(request OutgoingRequest) OutgoingRequest {
	if request.Method == "" {
		request.Method = "GET"
	}
	return request
}

// SendErrorKind says why there is no response.
type SendErrorKind uint8

const (
	// SendDenied: the plugin has no permission for this destination, or for its address.
	SendDenied SendErrorKind = iota
	// SendInvalidRequest: the request is not valid.
	SendInvalidRequest
	// SendUnresolved: the name of the host could not be resolved.
	SendUnresolved
	// SendUnreachable: nobody answers there.
	SendUnreachable
	// SendTLS: TLS failed.
	SendTLS
	// SendTimedOut: it took too long.
	SendTimedOut
	// SendTooLarge: request or response are larger than allowed.
	SendTooLarge
	// SendProtocol: the peer broke the protocol, or ended the connection before the response was complete.
	SendProtocol
	// SendTooMany: too many calls, or plugins call one another in a circle.
	SendTooMany
)

// String is the contract's word.
func (kind SendErrorKind) String() string {
	return caseName(kind, "denied", "invalid-request", "unresolved", "unreachable", "tls", "timed-out", "too-large", "protocol",
		"too-many")
}

// SendError is why there is no response to an outbound request.
type SendError struct {
	Kind   SendErrorKind
	Detail string
}

func (e *SendError) Error() string { return e.Detail }
