package tollgate

import (
	"strings"
	"testing"
)

func TestReplaceJSON(t *testing.T) {
	deep := func(levels int) string {
		return `{"greeting":1,"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "}"
	}
	cases := []struct{ name, body, want string }{
		{"alone", `{"greeting":"hi"}`, `{"greeting":"M"}`},
		{"white space stays", " {\n\t\"greeting\" : [1, {}] \r} ", " {\n\t\"greeting\" : \"M\" \r} "},
		{"numbers and escapes stay", `{"n":1.50e+2,"\u0061":"\/","greeting":null}`, `{"n":1.50e+2,"\u0061":"\/","greeting":"M"}`},
		{"only the first", `{"greeting":1,"greeting":2}`, `{"greeting":"M","greeting":2}`},
		{"only at the top", `{"a":{"greeting":1},"b":["greeting"],"greeting":1}`, `{"a":{"greeting":1},"b":["greeting"],"greeting":"M"}`},
		{"only as written", `{"gr\u0065eting":1,"x\"greeting":1}`, ""},
		{"after its spelling with an escape", `{"gr\u0065eting":1,"greeting":2}`, `{"gr\u0065eting":1,"greeting":"M"}`},
		{"no object", `["greeting"]`, ""},
		{"trailing comma", `{"greeting":1,}`, ""},
		{"two texts", `{"greeting":1}{}`, ""},
		{"no number", `{"greeting":NaN}`, ""},
		{"leading zero", `{"greeting":01}`, ""},
		{"byte order mark", "\ufeff" + `{"greeting":1}`, ""},
		{"not UTF-8", "{\"greeting\":\"\xff\"}", ""},
		{"a surrogate in UTF-8", "{\"greeting\":\"\xed\xa0\x80\"}", ""},
		{"a lone surrogate as an escape", `{"greeting":"\ud800"}`, `{"greeting":"M"}`},
		{"a control character", "{\"greeting\":\"\x1f\"}", ""},
		{"empty", "", ""},
		{"cut off", `{"greeting":1`, ""},
		{"brackets in strings", `{"a":"[{\"[","greeting":1}`, `{"a":"[{\"[","greeting":"M"}`},
		{"128 levels", deep(128), strings.Replace(deep(128), "1", `"M"`, 1)},
		{"129 levels", deep(129), ""},
		{"a million levels", deep(1000000), ""},
	}
	for _, c := range cases {
		want, replaced := c.want, c.want != ""
		if !replaced {
			want = c.body
		}
		if got, ok := ReplaceJSON([]byte(c.body), "greeting", "M"); string(got) != want || ok != replaced {
			t.Errorf("%s: got %v %s", c.name, ok, got)
		}
	}
}

func TestQuoteJSON(t *testing.T) {
	if got, want := QuoteJSON("a\"\\/\n\x00\x1f\x7fé"), "\"a\\\"\\\\/\\u000a\\u0000\\u001f\x7fé\""; got != want {
		t.Errorf("got %s", got)
	}
}

func TestDecodingIsBounded(t *testing.T) {
	var value any
	array := func(levels int) []byte { return []byte(strings.Repeat("[", levels) + strings.Repeat("]", levels)) }
	if err := decodeJSON(array(1000), &value); err != nil {
		t.Error(err)
	}
	if err := decodeJSON(array(1001), &value); err == nil || !strings.Contains(err.Error(), "1000 levels") {
		t.Errorf("got %v", err)
	}
}
