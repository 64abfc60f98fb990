// Does what a case asks for by its setting `do`. The plugins of this name in the other languages do the same.
package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"time"

	"tollgate"
)

func init() { tollgate.OnRequest(forwardRequest) }

// Hooks can be registered here, too.
func main() { tollgate.OnResponse(returnResponse) }

func forwardRequest(request tollgate.Request, response tollgate.Response) (tollgate.Verdict, error) {
	switch tollgate.SettingOr("do", "") {
	case "helpers":
		useHelpers(request)
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
