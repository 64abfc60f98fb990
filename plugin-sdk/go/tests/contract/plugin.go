// Does what a case asks for by its setting `do`. The plugins of this name in the other languages do the same.
package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"time"

	"tollgate"
	"tollgate/background"
	"tollgate/responsebody"
)

func init() {
	tollgate.OnRequest(forwardRequest)
	responsebody.On(wish)
	background.On(tick)
	tollgate.OnStart(func() error {
		if tollgate.SettingOr("do", "") == "refuse" {
			return errors.New("setting do is refuse")
		}
		return nil
	})
}

// Hooks can be registered here, too.
func main() { tollgate.OnResponse(returnResponse) }

func forwardRequest(request tollgate.Request, response tollgate.Response) (tollgate.Verdict, error) {
	switch tollgate.SettingOr("do", "") {
	case "helpers":
		useHelpers(request)
	case "services":
		useServices()
	case "backends":
		return tollgate.Forward, chooseBackend()
	case "forget answer":
		response.Answer(403, "text/plain", "no\n")
	case "print":
		fmt.Print("one\ntwo\nthree")
	case "leave a goroutine":
		go leave()
		runtime.Gosched()
	case "dial":
		_, err := net.Dial("tcp", "192.0.2.1:80")
		return tollgate.Forward, err
	}
	return tollgate.Forward, nil
}

func returnResponse(_ tollgate.Request, response tollgate.Response) error {
	switch tollgate.SettingOr("do", "") {
	case "helpers":
		tell("response encoded", yes(response.IsEncoded()), true)
	case "print":
		fmt.Print("return-response")
	case "leave a goroutine":
		close(goOn)
		<-ended
		tollgate.Infof("the hook goes on")
	}
	return nil
}

func useHelpers(request tollgate.Request) {
	tell("query", request.Query(), true)
	param := func(name string) {
		value, ok := request.QueryParam(name)
		tell("param "+name, value, ok)
	}
	param("a")
	for _, param := range request.QueryParams() {
		tell("param", param.Name+"="+param.Value, true)
	}
	for _, name := range []string{"b", "c", "d", "", "none"} {
		param(name)
	}
	for _, name := range []string{"a", "none"} {
		value, ok := request.Cookie(name)
		tell("cookie "+name, value, ok)
	}
	for _, cookie := range request.Cookies() {
		tell("cookie", cookie.Name+"="+cookie.Value, true)
	}
	tell("encode", tollgate.EncodeURL("a b/ü+%-._~\x00"), true)
	tell("decode", tollgate.DecodeURL("%41+%2f%zz%4%"), true)
	if request.SetPath("/a?b") != nil {
		tell("wrong path", "refused", true)
	}
	tellError("set-path", request.SetPath("/new"))
	tellError("accept-identity", request.AcceptIdentity())
	tell("encoded", yes(request.IsEncoded()), true)
	if rand.Uint64() != rand.Uint64() {
		tell("random", "differs", true)
	}
	tell("random bytes", "8", true)
	if time.Now().UnixMilli() > 100_000_000_000 {
		tell("now", "in milliseconds", true)
	}
}

var goOn, ended = make(chan bool), make(chan bool)

// leave calls the host while its hook runs, and again while the next one does.
func leave() {
	defer close(ended)
	tollgate.Infof("a goroutine of the hook")
	<-goOn
	tollgate.Infof("it speaks for the next hook")
}

func tell(what, text string, ok bool) {
	if !ok {
		text = "absent"
	}
	tollgate.Infof("%s: %s", what, text)
}

func tellError(what string, err error) {
	if err != nil {
		tell(what, err.Error(), true)
	} else {
		tell(what, "ok", true)
	}
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// useServices is what the case services asks for.
func useServices() {
	none, ok, _ := tollgate.State.Get("none")
	tell("get none", string(none), ok)
	text, ok, _ := tollgate.State.Get("text")
	tell("get text", string(text), ok)
	if err := tollgate.State.Set("kept", []byte("x"), 0); err != nil {
		tellError("set", err)
	}
	for _, by := range []int64{5, -8} {
		sum, _ := tollgate.State.Increment("n", by, 0)
		tell("increment", fmt.Sprint(sum), true)
	}
	_, err := tollgate.State.Increment("text", 1, time.Minute)
	tell("increment text", err.Error(), true)
	swap := func(expected, replacement []byte) {
		is, _ := tollgate.State.CompareAndSwap("text", expected, replacement, 1500*time.Millisecond)
		tell("swap", yes(is), true)
	}
	swap([]byte("hello"), nil)
	swap(nil, []byte("new"))
	swap([]byte("no"), []byte("x"))
	for range 2 {
		was, _ := tollgate.State.Delete("kept")
		tell("delete", yes(was), true)
	}
	keys, _ := tollgate.State.Keys("", "", 10)
	for _, key := range keys {
		tell("key", key, true)
	}
	response, err := tollgate.Client.Get("http://example.com/ok")
	if err != nil {
		tell("status", err.Error(), true)
		return
	}
	tell("status", fmt.Sprint(response.Status), true)
	for _, name := range []string{"x-a", "x-none"} {
		value, ok := response.Field(name)
		tell(name, value, ok)
	}
	tell("body", string(response.Body), true)
	down := tollgate.OutgoingRequest{Method: "POST", URL: "http://example.com/down", Body: []byte("b"), Timeout: 5 * time.Millisecond,
		Fields: []tollgate.Field{{Name: "x-b", Value: "2"}}}
	_, err = tollgate.Client.Send(down)
	tell("error", kindOf(err), true)
	for _, result := range tollgate.Client.SendAll([]tollgate.OutgoingRequest{{URL: "http://example.com/ok"}, down}) {
		if result.Err != nil {
			tell("all", kindOf(result.Err), true)
		} else {
			tell("all", fmt.Sprint(result.Response.Status), true)
		}
	}
	tollgate.Sleep(time.Millisecond)
	tollgate.Metrics.Add("served_total", 2, tollgate.Labels{"kind": "a"})
}

func kindOf(err error) string {
	var refused *tollgate.SendError
	if errors.As(err, &refused) {
		return refused.Kind.String()
	}
	return fmt.Sprint(err)
}

// wish is for the cases of bodies that flow.
func wish(tollgate.Request, tollgate.Response) (*tollgate.Wish, error) {
	switch tollgate.SettingOr("do", "") {
	case "events":
		return &tollgate.Wish{Unit: tollgate.Events, Decoded: true, Rewriter: &numbered{}}, nil
	case "stop":
		return &tollgate.Wish{Unit: tollgate.Lines, Rewriter: tollgate.RewriterFunc(stop)}, nil
	case "fail":
		return &tollgate.Wish{Unit: tollgate.Lines, Rewriter: tollgate.RewriterFunc(func([]byte) (tollgate.Fate, error) {
			return tollgate.Keep, errors.New("no such line")
		})}, nil
	}
	return nil, nil
}

func stop(line []byte) (tollgate.Fate, error) {
	if string(line) != "two\n" {
		return tollgate.Keep, nil
	}
	tollgate.Emit([]byte("last"))
	return tollgate.Stop, nil
}

// numbered puts a number into the data of each event.
type numbered struct{ events int }

func (n *numbered) Piece(event []byte) (tollgate.Fate, error) {
	data, ok := tollgate.EventData(event)
	if !ok {
		return tollgate.Keep, nil
	}
	n.events++
	tollgate.Emit(tollgate.EventWithData(event, fmt.Appendf(nil, "%d\n%s", n.events, data)))
	return tollgate.Replace, nil
}

func (n *numbered) End() error {
	event, err := tollgate.Event{Data: []byte("end")}.Bytes()
	tollgate.Emit(event)
	return err
}

// chooseBackend is what the case backends asks for.
func chooseBackend() error {
	tell("backend", tollgate.Backends.Current(), true)
	if err := tollgate.Backends.Choose("users"); err != nil {
		return err
	}
	tell("backend", tollgate.Backends.Current(), true)
	err := tollgate.Backends.Choose("nobody")
	var refused *tollgate.BackendError
	if !errors.As(err, &refused) {
		return errors.New("nobody is no backend")
	}
	tell(refused.Kind.String(), yes(err.Error() != ""), true)
	return nil
}

// tick is the background work.
func tick() error {
	if sum, err := tollgate.State.Increment("ticks", 1, 0); err != nil || sum == 1 {
		return err
	}
	return tollgate.Backends.Choose("users")
}
