package tollgate

import "testing"

// What they do with whole queries and cookies is in ../c/tests/helpers.

func TestURLs(t *testing.T) {
	for text, want := range map[string]string{"%": "%", "%4": "%4", "%00%fF+": "\x00\xff+", "": ""} {
		if got := DecodeURL(text); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
	if got, want := EncodeURL("\x00\xff+%azAZ09"), "%00%FF%2B%25azAZ09"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestEmptyPiecesAreNone(t *testing.T) {
	if a, b, c := len(paramsOf("")), len(paramsOf("&&")), len(paramsOf("a&a=&b=a")); a+b != 0 || c != 3 {
		t.Error(a, b, c)
	}
	if cookies := cookiesOf(""); len(cookies) != 0 {
		t.Error(cookies)
	}
}

func TestIsCoding(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, " ": false, " IDENTITY ": false, "identity": false,
		"gzip": true, "gzip, identity": true, "identitx": true,
	} {
		if isCoding(value) != want {
			t.Errorf("%q is not %v", value, want)
		}
	}
}
