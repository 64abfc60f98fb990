// Answers GET of one path itself; everything else passes.
package main

import "tollgate"

func init() { tollgate.OnRequest(answer) }

func main() {}

func answer(request tollgate.Request, response tollgate.Response) (tollgate.Verdict, error) {
	if request.Method() != "GET" || request.Path() != tollgate.SettingOr("path", "/mock") {
		return tollgate.Forward, nil
	}
	return response.Answer(200, "application/json", tollgate.SettingOr("body", `{"mock":true}`))
}
