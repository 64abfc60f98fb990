// Lets only those in who have the token of the setting `token`.
package main

import (
	"crypto/subtle"

	"tollgate"
)

func init() { tollgate.OnRequest(authorize) }

func main() {}

func authorize(request tollgate.Request, response tollgate.Response) (tollgate.Verdict, error) {
	token, err := tollgate.RequireSetting("token")
	if err != nil {
		return tollgate.Forward, err
	}
	given, _ := request.Field("authorization")
	if subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+token)) == 1 {
		return tollgate.Forward, request.DeleteField("authorization")
	}
	if err := response.SetField("www-authenticate", "Bearer"); err != nil {
		return tollgate.Forward, err
	}
	return response.Answer(401, "text/plain; charset=utf-8", "token required\n")
}
