//go:build !wasip1

package tollgate

import (
	"errors"
	"fmt"
	"strings"
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
	// Lines is what the hooks logged: "info ready".
	Lines []string
}

// fake is the current exchange.
var fake *Fake

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
	}{{&f.Method, "GET"}, {&f.Scheme, "http"}, {&f.Target, "/"}} {
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

func hostLog(level Level, _, message string) {
	fake.Lines = append(fake.Lines, levelNames[level]+" "+message)
}

var levelNames = [...]string{"trace", "debug", "info", "warn", "error", "critical"}
