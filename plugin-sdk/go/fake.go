//go:build !wasip1

package tollgate

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Fake is an exchange for tests that run outside the host: `go test` in a plugin's folder calls the registered hooks
// with it. It keeps the contract's rules for fields. Cases for `tollgate test` run the real thing.
type Fake struct {
	ID, ClientAddress                 string
	Settings                          map[string]string
	Method, Scheme, Authority, Target string
	RequestFields                     []Field
	RequestBody                       []byte
	Status                            int
	ResponseFields                    []Field
	ResponseBody                      []byte
	// BodyError is what reading either body gives, if set.
	BodyError *BodyError
	Notes     map[string][]byte
	// State is the plugin's bucket. Times to live are not kept.
	State map[string][]byte
	// StateError is what each call of [State] gives, if set.
	StateError *StateError
	// Outbound answers requests; without it they are denied.
	Outbound func(OutgoingRequest) (*IncomingResponse, error)
	// Backend is where the request is sent; `default` if it is empty.
	Backend string
	// Backends are those that the plugin may choose.
	Backends []string
	// Slept is how long the hooks waited in all.
	Slept time.Duration
	// Metrics is what the hooks counted and measured: "add denied_total 1 reason=quota".
	Metrics []string
	// Lines is what the hooks logged: "info ready".
	Lines []string

	emitted []byte
}

// fake is the current exchange.
var fake *Fake

// Start calls the function of [OnStart].
func (f *Fake) Start() error {
	if why := misused(); why != "" {
		return errors.New(why)
	}
	f.setDefaults()
	return start()
}

// Tick calls what background.On registered.
func (f *Fake) Tick() error {
	if why := misused(); why != "" {
		return errors.New(why)
	}
	if background == nil {
		return errors.New("the plugin does not import tollgate/background")
	}
	f.setDefaults()
	return background.tick()
}

// RewriteRequest gives a body in pieces to what requestbody.On registered, and returns what goes on to the backend.
func (f *Fake) RewriteRequest(pieces ...string) (string, error) {
	return f.rewrite("requestbody", pieces)
}

// RewriteResponse gives a body in pieces to what responsebody.On registered, and returns what goes on to the client.
func (f *Fake) RewriteResponse(pieces ...string) (string, error) {
	return f.rewrite("responsebody", pieces)
}

func (f *Fake) rewrite(name string, pieces []string) (string, error) {
	if why := misused(); why != "" {
		return "", errors.New(why)
	}
	f.setDefaults()
	f.emitted = nil
	for _, body := range bodies {
		if body.name == name {
			err := f.flow(body, pieces)
			return string(f.emitted), err
		}
	}
	return "", errors.New("the plugin does not import tollgate/" + name)
}

func (f *Fake) flow(body *BodyExport, pieces []string) error {
	wish, err := body.begin()
	if err != nil {
		return err
	}
	for _, piece := range pieces {
		fate := Keep
		if wish != nil {
			if fate, err = body.piece([]byte(piece)); err != nil {
				return err
			}
		}
		if fate == Keep {
			f.emitted = append(f.emitted, piece...)
		}
		if fate == Stop {
			return nil
		}
	}
	if wish == nil {
		return nil
	}
	return body.end()
}

// ForwardRequest calls the hook for requests.
func (f *Fake) ForwardRequest() (Verdict, error) {
	if why := misused(); why != "" {
		return Forward, errors.New(why)
	}
	f.setDefaults()
	return forwardRequest()
}

// ReturnResponse calls the hook for responses.
func (f *Fake) ReturnResponse() error {
	if why := misused(); why != "" {
		return errors.New(why)
	}
	f.setDefaults()
	return returnResponse()
}

func (f *Fake) setDefaults() {
	fake = f
	for _, text := range []struct {
		at    *string
		value string
	}{{&f.Method, "GET"}, {&f.Scheme, "http"}, {&f.Target, "/"}, {&f.Backend, "default"}} {
		if *text.at == "" {
			*text.at = text.value
		}
	}
	if f.Status == 0 {
		f.Status = 200
	}
	if f.Notes == nil {
		f.Notes = make(map[string][]byte)
	}
	if f.State == nil {
		f.State = make(map[string][]byte)
	}
}

func (f *Fake) fields(side side) *[]Field {
	if side == requestSide {
		return &f.RequestFields
	}
	return &f.ResponseFields
}

func (f *Fake) body(side side) *[]byte {
	if side == requestSide {
		return &f.RequestBody
	}
	return &f.ResponseBody
}

func getMethod() string        { return fake.Method }
func getScheme() string        { return fake.Scheme }
func getAuthority() string     { return fake.Authority }
func getTarget() string        { return fake.Target }
func getID() string            { return fake.ID }
func getClientAddress() string { return fake.ClientAddress }

func setMethod(method string) error {
	if !isToken(method) {
		return &FieldError{InvalidValue, "the method is not a token"}
	}
	fake.Method = method
	return nil
}

func setAuthority(authority string) error {
	if err := checkField("host", authority); err != nil {
		return err
	}
	fake.Authority = authority
	return nil
}

func setTarget(target string) error {
	isPath := strings.HasPrefix(target, "/") || target == "*"
	if !isPath || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return &FieldError{InvalidValue, "the target is not a path"}
	}
	fake.Target = target
	return nil
}

func hostText(get func() string) string { return get() }

func hostSetText(set func(string) error, text string) error { return set(text) }

func hostStatus() int { return fake.Status }

func hostSetStatus(status uint16) error {
	if status < 200 || status > 599 {
		return &FieldError{InvalidValue, fmt.Sprintf("the status %d is not between 200 and 599", status)}
	}
	fake.Status = int(status)
	return nil
}

func hostField(side side, name string) (string, bool) {
	for _, field := range *fake.fields(side) {
		if strings.EqualFold(field.Name, name) {
			return field.Value, true
		}
	}
	return "", false
}

func hostFieldValues(side side, name string) []string {
	values := []string{}
	for _, field := range *fake.fields(side) {
		if strings.EqualFold(field.Name, name) {
			values = append(values, field.Value)
		}
	}
	return values
}

func hostFields(side side) []Field { return append([]Field{}, *fake.fields(side)...) }

func hostSetField(side side, name, value string) error {
	return hostSetFields(side, []Field{{name, value}})
}

func hostSetFields(side side, fields []Field) error {
	for _, field := range fields {
		if err := checkField(field.Name, field.Value); err != nil {
			return err
		}
	}
	for _, field := range fields {
		removeField(side, field.Name)
	}
	for _, field := range fields {
		addField(side, field)
	}
	return nil
}

func hostAppendField(side side, name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	addField(side, Field{name, value})
	return nil
}

func hostDeleteField(side side, name string) error {
	if err := checkField(name, ""); err != nil {
		return err
	}
	removeField(side, name)
	return nil
}

func addField(side side, field Field) {
	field.Name = strings.ToLower(field.Name)
	at := fake.fields(side)
	*at = append(*at, field)
}

func removeField(side side, name string) {
	kept := []Field{}
	for _, field := range *fake.fields(side) {
		if !strings.EqualFold(field.Name, name) {
			kept = append(kept, field)
		}
	}
	*fake.fields(side) = kept
}

var ownedByHost = map[string]bool{
	"connection": true, "content-length": true, "keep-alive": true, "proxy-connection": true, "te": true,
	"trailer": true, "transfer-encoding": true, "upgrade": true,
}

func checkField(name, value string) error {
	switch {
	case !isToken(name):
		return &FieldError{InvalidName, name}
	case ownedByHost[strings.ToLower(name)]:
		return &FieldError{OwnedByHost, name}
	}
	for _, b := range []byte(value) {
		if b < ' ' && b != '\t' || b == 0x7f {
			return &FieldError{InvalidValue, fmt.Sprintf("the value has the control character 0x%02x", b)}
		}
	}
	return nil
}

func isToken(text string) bool {
	for _, b := range []byte(text) {
		isLetter := b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9'
		if !isLetter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(b)) {
			return false
		}
	}
	return text != ""
}

func hostBody(side side) ([]byte, error) {
	if fake.BodyError != nil {
		return nil, fake.BodyError
	}
	return append([]byte{}, *fake.body(side)...), nil
}

func hostSetBody(side side, body []byte) { *fake.body(side) = append([]byte{}, body...) }

func hostNote(key string) ([]byte, bool) {
	note, ok := fake.Notes[key]
	return note, ok
}

func hostSetNote(key string, value []byte) { fake.Notes[key] = append([]byte{}, value...) }

func hostSetting(key string) (string, bool) {
	value, ok := fake.Settings[key]
	return value, ok
}

func hostSettings() map[string]string {
	settings := make(map[string]string)
	for key, value := range fake.Settings {
		settings[key] = value
	}
	return settings
}

// stateFailure is the error that a test wants, as an interface that is nil without one.
func stateFailure() error {
	if fake.StateError != nil {
		return fake.StateError
	}
	return nil
}

func hostStateGet(key string) ([]byte, bool, error) {
	value, ok := fake.State[key]
	return append([]byte{}, value...), ok, stateFailure()
}

func hostStateSet(key string, value []byte, _ time.Duration) error {
	if err := stateFailure(); err != nil {
		return err
	}
	fake.State[key] = append([]byte{}, value...)
	return nil
}

func hostStateDelete(key string) (bool, error) {
	if err := stateFailure(); err != nil {
		return false, err
	}
	_, ok := fake.State[key]
	delete(fake.State, key)
	return ok, nil
}

func hostStateIncrement(key string, by int64, ttl time.Duration) (int64, error) {
	value, ok := fake.State[key]
	if !ok {
		value = []byte("0")
	}
	sum, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0, &StateError{StateNotANumber, "it is not a whole number"}
	}
	sum += by
	return sum, hostStateSet(key, strconv.AppendInt(nil, sum, 10), ttl)
}

func hostStateSwap(key string, expected, replacement []byte, ttl time.Duration) (bool, error) {
	value, ok := fake.State[key]
	if ok != (expected != nil) || !bytes.Equal(value, expected) {
		return false, stateFailure()
	}
	if replacement == nil {
		_, err := hostStateDelete(key)
		return err == nil, err
	}
	err := hostStateSet(key, replacement, ttl)
	return err == nil, err
}

func hostStateKeys(prefix, after string, limit uint32) ([]string, error) {
	keys := []string{}
	for key := range fake.State {
		if strings.HasPrefix(key, prefix) && (after == "" || key > after) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys[:min(len(keys), int(limit))], stateFailure()
}

func hostSend(request OutgoingRequest) (*IncomingResponse, error) {
	if fake.Outbound == nil {
		return nil, &SendError{SendDenied, "a call to " + request.URL + " is not allowed"}
	}
	return fake.Outbound(request)
}

func hostSendAll(requests []OutgoingRequest) []SendResult {
	results := make([]SendResult, len(requests))
	for i, request := range requests {
		results[i].Response, results[i].Err = hostSend(request)
	}
	return results
}

func hostSleep(ms uint64) { fake.Slept += time.Duration(ms) * time.Millisecond }

func hostEmit(data []byte) { fake.emitted = append(fake.emitted, data...) }

func hostDescribe(name, help string, buckets []float64) {
	fake.Metrics = append(fake.Metrics, fmt.Sprint("describe ", name, " ", help, " ", buckets))
}

func addMetric(name string, by float64, labels []Field)    { measured("add", name, by, labels) }
func setMetric(name string, value float64, labels []Field) { measured("set", name, value, labels) }
func observeMetric(name string, value float64, labels []Field) {
	measured("observe", name, value, labels)
}

func measured(kind, name string, value float64, labels []Field) {
	line := fmt.Sprintf("%s %s %v", kind, name, value)
	for _, label := range labels {
		line += " " + label.Name + "=" + label.Value
	}
	fake.Metrics = append(fake.Metrics, line)
}

func hostLog(level Level, _, message string) {
	fake.Lines = append(fake.Lines, levelNames[level]+" "+message)
}

var levelNames = [...]string{"trace", "debug", "info", "warn", "error", "critical"}

func hostSetBackend(name string) error {
	for _, granted := range fake.Backends {
		if granted == name {
			fake.Backend = name
			return nil
		}
	}
	return &BackendError{BackendDenied, "the plugin may not choose the backend " + name}
}

func hostBackend() string { return fake.Backend }
