package tollgate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxNesting is how many objects and arrays may be open at once for ReplaceJSON.
	maxNesting = 128
	// maxDecoded is the same for decoding, which recurses: WebAssembly's stack is small, and running out of it ends the
	// instance.
	maxDecoded = 1000
)

// ReplaceJSON replaces the value of the first top-level member of this name by a string, and says whether there was one.
// Every other byte stays: white space, order, the spelling of numbers and escapes. That is what decoding and encoding
// again can't do.
//
// The body must be one JSON text (RFC 8259) with an object at its top and no more than 128 levels deep; otherwise nothing
// is replaced. The name is compared as it is written between its quotes.
func ReplaceJSON(body []byte, name, value string) ([]byte, bool) {
	// The nesting comes first: it is counted, while encoding/json recurses and would run out of stack.
	if nesting(body) > maxNesting || !utf8.Valid(body) || !json.Valid(body) {
		return body, false
	}
	start, end, ok := findMember(body, name)
	if !ok {
		return body, false
	}
	return bytes.Join([][]byte{body[:start], []byte(QuoteJSON(value)), body[end:]}, nil), true
}

// QuoteJSON writes a string as JSON with the fewest escapes: the quote, the backslash and control characters.
func QuoteJSON(value string) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for _, b := range []byte(value) {
		switch {
		case b == '"' || b == '\\':
			quoted.WriteByte('\\')
			quoted.WriteByte(b)
		case b < 0x20:
			fmt.Fprintf(&quoted, `\u%04x`, b)
		default:
			quoted.WriteByte(b)
		}
	}
	quoted.WriteByte('"')
	return quoted.String()
}

// findMember says where the value of a member begins and ends in a valid JSON text.
func findMember(body []byte, name string) (start, end int, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return 0, 0, false
	}
	written := `"` + name + `"`
	for decoder.More() {
		gap := body[decoder.InputOffset():]
		before := len(gap) - len(bytes.TrimLeft(gap, " \t\r\n,"))
		start := int(decoder.InputOffset()) + before
		if _, err := decoder.Token(); err != nil {
			return 0, 0, false
		}
		isIt := string(body[start:decoder.InputOffset()]) == written
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return 0, 0, false
		}
		if isIt {
			end := int(decoder.InputOffset())
			return end - len(value), end, true
		}
	}
	return 0, 0, false
}

// decodeJSON is json.Unmarshal for a text of anybody's.
func decodeJSON(text []byte, value any) error {
	if nesting(text) > maxDecoded {
		return fmt.Errorf("it is nested more than %d levels deep", maxDecoded)
	}
	return json.Unmarshal(text, value)
}

// nesting is how many objects and arrays are open at once at most. In a text that is not JSON it is some number.
func nesting(body []byte) int {
	depth, most, inString := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch b := body[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			depth++
			most = max(most, depth)
		case b == '}' || b == ']':
			depth--
		}
	}
	return most
}
