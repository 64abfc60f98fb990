// Sets a field on every request and every response.
package main

import "tollgate"

func init() {
	tollgate.OnRequest(func(request tollgate.Request, _ tollgate.Response) (tollgate.Verdict, error) {
		return tollgate.Forward, request.SetField("x-{{name}}", "hello")
	})
	tollgate.OnResponse(func(_ tollgate.Request, response tollgate.Response) error {
		return response.SetField("x-{{name}}", "hello")
	})
}

func main() {}
