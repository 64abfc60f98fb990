package tollgate

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Field is a name and a value as they stand on the wire. A value is text in nearly every case, but a Go string holds
// any bytes, and so does a value.
type Field struct {
	Name, Value string
}

type side uint8

const (
	requestSide side = iota
	responseSide
)

// message is what requests and responses have in common.
type message struct{ side side }

// Request is the request of the current exchange, as the plugins before this one left it.
type Request struct{ message }

// Response is the response of the current exchange, as the plugins behind this one left it.
type Response struct{ message }

// Method is as sent: GET, PROPFIND.
func (Request) Method() string {
	enter()
	defer leave()
	return hostText(getMethod)
}

// SetMethod changes the method.
func (Request) SetMethod(method string) error {
	enter()
	defer leave()
	return hostSetText(setMethod, method)
}

// Scheme is http or https: how the client spoke to the host.
func (Request) Scheme() string {
	enter()
	defer leave()
	return hostText(getScheme)
}

// Authority is the host and port that the client asked for; empty when it sent none.
func (Request) Authority() string {
	enter()
	defer leave()
	return hostText(getAuthority)
}

// SetAuthority sets the field host that the backend sees. It does not choose another backend.
func (Request) SetAuthority(authority string) error {
	enter()
	defer leave()
	return hostSetText(setAuthority, authority)
}

// Target is path and query as they stand on the wire: never decoded, never normalised.
func (Request) Target() string {
	enter()
	defer leave()
	return hostText(getTarget)
}

// SetTarget changes path and query.
func (Request) SetTarget(target string) error {
	enter()
	defer leave()
	return hostSetText(setTarget, target)
}

// Path is the target up to its query.
func (r Request) Path() string {
	path, _, _ := strings.Cut(r.Target(), "?")
	return path
}

// Query is the target behind its first question mark.
func (r Request) Query() string {
	_, query, _ := strings.Cut(r.Target(), "?")
	return query
}

// SetPath replaces the path, as it is to stand on the wire, and keeps the query.
func (r Request) SetPath(path string) error {
	if strings.ContainsAny(path, "?#") {
		return &FieldError{InvalidValue, fmt.Sprintf("the path %q has a ? or #: encode it with EncodeURL", path)}
	}
	if _, query, ok := strings.Cut(r.Target(), "?"); ok {
		path += "?" + query
	}
	return r.SetTarget(path)
}

// QueryParam is the first value of a parameter of the query, decoded (+ is a space, %XX a byte), and whether there is one.
func (r Request) QueryParam(name string) (string, bool) { return valueOf(r.QueryParams(), name) }

// QueryParams is every parameter of the query in order, decoded.
func (r Request) QueryParams() []Field { return paramsOf(r.Query()) }

// Cookie is the first cookie of this name as it was sent, and whether there is one.
func (r Request) Cookie(name string) (string, bool) { return valueOf(r.Cookies(), name) }

// Cookies is every cookie.
func (r Request) Cookies() []Field {
	var cookies []Field
	for _, field := range r.FieldValues("cookie") {
		cookies = append(cookies, cookiesOf(field)...)
	}
	return cookies
}

// AcceptIdentity asks the backend for a body without content-encoding: it sets accept-encoding to identity. For plugins that
// read or change the response's body.
func (r Request) AcceptIdentity() error { return r.SetField("accept-encoding", "identity") }

// Status is 200 to 599.
func (Response) Status() int {
	enter()
	defer leave()
	return hostStatus()
}

// SetStatus sets a final status, 200 to 599.
func (Response) SetStatus(status int) error {
	if status < 0 || status > 0xffff {
		return &FieldError{InvalidValue, fmt.Sprintf("the status %d is not between 200 and 599", status)}
	}
	enter()
	defer leave()
	return hostSetStatus(uint16(status))
}

// Answer sets status and body, and the field content-type unless mediaType is empty. It returns what a [RequestHook]
// returns to answer: return response.Answer(...). A hook that calls it and then returns [Forward] fails.
func (r Response) Answer(status int, mediaType, body string) (Verdict, error) {
	answered = true
	if err := r.SetStatus(status); err != nil {
		return Forward, err
	}
	if mediaType != "" {
		if err := r.SetField("content-type", mediaType); err != nil {
			return Forward, err
		}
	}
	r.SetBody([]byte(body))
	return Respond, nil
}

// Field is the first value of a field, and whether the message has the field. An empty value is not an absent one.
func (m message) Field(name string) (string, bool) {
	enter()
	defer leave()
	return hostField(m.side, name)
}

// FieldValues is every value of a field in order.
func (m message) FieldValues(name string) []string {
	enter()
	defer leave()
	return hostFieldValues(m.side, name)
}

// Fields is every field in order, names in lower case.
func (m message) Fields() []Field {
	enter()
	defer leave()
	return hostFields(m.side)
}

// SetField makes this the only value of the field.
func (m message) SetField(name, value string) error {
	enter()
	defer leave()
	return hostSetField(m.side, name, value)
}

// SetFields sets several fields in one call: what the list has of a name, once or repeated, is all that the message has
// of it afterwards. If one is refused, none is changed.
func (m message) SetFields(fields ...Field) error {
	enter()
	defer leave()
	return hostSetFields(m.side, fields)
}

// AppendField adds a value behind those that the field has.
func (m message) AppendField(name, value string) error {
	enter()
	defer leave()
	return hostAppendField(m.side, name, value)
}

// DeleteField removes every value of the field; it is no error if there was none.
func (m message) DeleteField(name string) error {
	enter()
	defer leave()
	return hostDeleteField(m.side, name)
}

// Body is the whole body, empty when there is none. It waits until the last byte has come, and the body stays in place.
// A body that no plugin asks for streams past, so ask only when it is needed. The slice is the caller's.
func (m message) Body() ([]byte, error) {
	enter()
	defer leave()
	return hostBody(m.side)
}

// IsEncoded is whether content-encoding says that the body is compressed or encoded otherwise.
func (m message) IsEncoded() bool {
	coding, _ := m.Field("content-encoding")
	return isCoding(coding)
}

// SetBody replaces the body. The host sets content-length, removes content-encoding and digests, and weakens etag. A plugin that
// gives an encoded body sets content-encoding in the same hook.
func (m message) SetBody(body []byte) {
	enter()
	defer leave()
	hostSetBody(m.side, body)
}

// JSON decodes the body as [json.Unmarshal] does, up to 1000 levels deep. A body that is encoded is an error.
func (m message) JSON(value any) error {
	if coding, _ := m.Field("content-encoding"); isCoding(coding) {
		return fmt.Errorf("the body is encoded (content-encoding: %s): call request.AcceptIdentity in the request hook", coding)
	}
	body, err := m.Body()
	if err != nil {
		return err
	}
	if err := decodeJSON(body, value); err != nil {
		return fmt.Errorf("the body is not the JSON that was expected: %w", err)
	}
	return nil
}

// SetJSON replaces the body by what [json.Marshal] makes, and sets content-type to application/json.
func (m message) SetJSON(value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := m.SetField("content-type", "application/json"); err != nil {
		return err
	}
	m.SetBody(body)
	return nil
}
