// Replaces every occurrence of the setting `from` by the setting `to` in text and JSON.
package main

import (
	"bytes"
	"strings"

	"tollgate"
)

func init() {
	tollgate.OnRequest(askForPlainText)
	tollgate.OnResponse(rewrite)
}

func main() {}

// askForPlainText keeps the backend from compressing what the other hook is to read.
func askForPlainText(request tollgate.Request, _ tollgate.Response) (tollgate.Verdict, error) {
	return tollgate.Forward, request.AcceptIdentity()
}

func rewrite(_ tollgate.Request, response tollgate.Response) error {
	mediaType, _ := response.Field("content-type")
	if !strings.HasPrefix(mediaType, "text/") && !strings.HasPrefix(mediaType, "application/json") {
		return nil
	}
	from, err := tollgate.RequireSetting("from")
	if err != nil {
		return err
	}
	to, err := tollgate.RequireSetting("to")
	if err != nil {
		return err
	}
	if response.IsEncoded() {
		coding, _ := response.Field("content-encoding")
		tollgate.Warnf("left a body alone that is encoded: %s", coding)
		return nil
	}
	body, err := response.Body()
	if err != nil {
		return err
	}
	if from != "" && bytes.Contains(body, []byte(from)) {
		response.SetBody(bytes.ReplaceAll(body, []byte(from), []byte(to)))
	}
	return nil
}
