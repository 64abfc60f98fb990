// A tour of what a plugin can do, the same in every language.
package main

import (
	"errors"
	"strings"

	"tollgate"
)

var errRefused = errors.New("x-tour: refused")

func init() {
	tollgate.OnRequest(forwardRequest)
	tollgate.OnResponse(returnResponse)
}

func main() {}

func forwardRequest(request tollgate.Request, response tollgate.Response) (tollgate.Verdict, error) {
	tollgate.Infof("forward %s %s", request.Method(), request.Target())
	mark := mark()
	if err := request.SetField("x-tour", mark); err != nil {
		return tollgate.Forward, errRefused
	}
	if request.Path() == "/tour" {
		return response.Answer(200, "text/plain; charset=utf-8", "tour: "+mark+"\n")
	}
	return tollgate.Forward, nil
}

func returnResponse(_ tollgate.Request, response tollgate.Response) error {
	if err := response.SetField("x-tour", mark()); err != nil {
		return errRefused
	}
	if mediaType, _ := response.Field("content-type"); strings.HasPrefix(mediaType, "application/json") {
		greet(response)
	}
	tollgate.Infof("return %d", response.Status())
	return nil
}

// greet puts the mark into the body's member `greeting`.
func greet(response tollgate.Response) {
	body, err := response.Body()
	if err != nil {
		tollgate.Log(tollgate.LevelWarn, "", "body: not available")
		return
	}
	if replaced, ok := tollgate.ReplaceJSON(body, "greeting", mark()); ok {
		response.SetBody(replaced)
	}
}

func mark() string { return tollgate.SettingOr("mark", "none") }
