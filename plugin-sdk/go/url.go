package tollgate

import "strings"

// DecodeURL undoes percent-encoding: %XX becomes its byte. A plus stays, and so does a percent sign that begins no escape.
func DecodeURL(text string) string { return decodeURL(text, false) }

// EncodeURL writes all but letters, digits and -._~ as %XX, so that the text can stand in any part of a URL.
func EncodeURL(text string) string {
	const digits = "0123456789ABCDEF"
	var encoded strings.Builder
	for _, b := range []byte(text) {
		if isAlphanumeric(b) || strings.IndexByte("-._~", b) >= 0 {
			encoded.WriteByte(b)
		} else {
			encoded.Write([]byte{'%', digits[b>>4], digits[b&15]})
		}
	}
	return encoded.String()
}

func isAlphanumeric(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9'
}

func decodeURL(text string, plusIsSpace bool) string {
	decoded := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == '%' && i+2 < len(text) {
			high, low := hexDigit(text[i+1]), hexDigit(text[i+2])
			if high >= 0 && low >= 0 {
				decoded = append(decoded, byte(high<<4|low))
				i += 2
				continue
			}
		}
		if b == '+' && plusIsSpace {
			b = ' '
		}
		decoded = append(decoded, b)
	}
	return string(decoded)
}

// hexDigit is -1 if it is none.
func hexDigit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return int(b|0x20) - 'a' + 10
	default:
		return -1
	}
}

// paramsOf is the parameters of a query, decoded.
func paramsOf(query string) []Field {
	var params []Field
	for piece := range strings.SplitSeq(query, "&") {
		if piece != "" {
			name, value, _ := strings.Cut(piece, "=")
			params = append(params, Field{decodeURL(name, true), decodeURL(value, true)})
		}
	}
	return params
}

// valueOf is the value of the first pair of this name, and whether there is one.
func valueOf(pairs []Field, name string) (string, bool) {
	for _, pair := range pairs {
		if pair.Name == name {
			return pair.Value, true
		}
	}
	return "", false
}

// cookiesOf is the cookies in one field.
func cookiesOf(field string) []Field {
	var cookies []Field
	for piece := range strings.SplitSeq(field, ";") {
		if name, value, ok := strings.Cut(piece, "="); ok {
			cookies = append(cookies, Field{strings.Trim(name, " \t"), strings.Trim(value, " \t")})
		}
	}
	return cookies
}

// isCoding is whether a value of content-encoding is there and is not identity.
func isCoding(value string) bool {
	value = strings.Trim(value, " \t")
	return value != "" && !strings.EqualFold(value, "identity")
}
