// expect: tollgate.OnRequest was called twice: one hook would replace the other
package main

import "tollgate"

func init() {
	tollgate.OnRequest(forward)
	tollgate.OnRequest(forward)
}

func main() {}

func forward(tollgate.Request, tollgate.Response) (tollgate.Verdict, error) {
	return tollgate.Forward, nil
}
