package tollgate

import (
	"encoding/binary"
	"unsafe"
)

// Each function here calls the host and makes Go values of what it wrote.

// result is where the host writes; its largest is a response or the error of an outbound request.
var result [4]uint64

// call runs a call to the host that writes to what it is given.
func call(function func(result unsafe.Pointer)) {
	beginCall()
	function(unsafe.Pointer(&result))
	endCall()
}

// word is the result's 32-bit number at an offset of four times i.
func word(i int) uint32 { return uint32(result[i/2] >> (32 * (i % 2))) }

// tag is the case of a variant, a single byte.
func tag(i int) uint8 { return uint8(word(i)) }

var (
	getMethod        = requestMethod
	getScheme        = requestScheme
	getAuthority     = requestAuthority
	getTarget        = requestTarget
	getID            = exchangeID
	getClientAddress = exchangeClientAddress
	setMethod        = requestSetMethod
	setAuthority     = requestSetAuthority
	setTarget        = requestSetTarget
)

func hostText(get func(unsafe.Pointer)) string {
	call(get)
	return textAt(word(0), word(1))
}

func hostSetText(set func(string, unsafe.Pointer), text string) error {
	call(func(result unsafe.Pointer) { set(text, result) })
	return fieldError()
}

func hostStatus() int { return int(responseStatus()) }

func hostSetStatus(status uint16) error {
	call(func(result unsafe.Pointer) { responseSetStatus(uint32(status), result) })
	return fieldError()
}

func hostField(side side, name string) (string, bool) {
	call(func(result unsafe.Pointer) {
		if side == requestSide {
			requestField(name, result)
		} else {
			responseField(name, result)
		}
	})
	if tag(0) == 0 {
		return "", false
	}
	return textAt(word(1), word(2)), true
}

func hostFieldValues(side side, name string) []string {
	call(func(result unsafe.Pointer) {
		if side == requestSide {
			requestFieldValues(name, result)
		} else {
			responseFieldValues(name, result)
		}
	})
	words := wordsAt(word(0), 2*word(1))
	values := make([]string, len(words)/2)
	for i := range values {
		values[i] = textAt(words[2*i], words[2*i+1])
	}
	return values
}

func hostFields(side side) []Field {
	call(func(result unsafe.Pointer) {
		if side == requestSide {
			requestFields(result)
		} else {
			responseFields(result)
		}
	})
	return pairsAt(word(0), word(1))
}

// pairsAt copies a list of pairs of texts.
func pairsAt(start, count uint32) []Field {
	words := wordsAt(start, 4*count)
	fields := make([]Field, count)
	for i := range fields {
		pair := words[4*i : 4*i+4]
		fields[i] = Field{textAt(pair[0], pair[1]), textAt(pair[2], pair[3])}
	}
	return fields
}

func hostSetField(side side, name, value string) error {
	call(func(result unsafe.Pointer) {
		if side == requestSide {
			requestSetField(name, value, result)
		} else {
			responseSetField(name, value, result)
		}
	})
	return fieldError()
}

func hostSetFields(side side, fields []Field) error {
	lowered = lowerFields(fields)
	call(func(result unsafe.Pointer) {
		list := unsafe.Pointer(unsafe.SliceData(lowered))
		if side == requestSide {
			requestSetFields(list, uint32(len(fields)), result)
		} else {
			responseSetFields(list, uint32(len(fields)), result)
		}
	})
	lowered = nil
	return fieldError()
}

// lowered keeps a list alive, and on the heap, where it doesn't move, while the host reads it.
var lowered []byte

// lowerFields writes pointers and lengths, and behind them the texts that they point to.
func lowerFields(fields []Field) []byte {
	size := 16 * len(fields)
	for _, field := range fields {
		size += len(field.Name) + len(field.Value)
	}
	list := make([]byte, size)
	lowered = list
	base, at, words := address(unsafe.Pointer(unsafe.SliceData(list))), 16*len(fields), list
	for _, field := range fields {
		for _, text := range []string{field.Name, field.Value} {
			binary.LittleEndian.PutUint32(words, base+uint32(at))
			binary.LittleEndian.PutUint32(words[4:], uint32(len(text)))
			at += copy(list[at:], text)
			words = words[8:]
		}
	}
	return list
}

func hostAppendField(side side, name, value string) error {
	call(func(result unsafe.Pointer) {
		if side == requestSide {
			requestAppendField(name, value, result)
		} else {
			responseAppendField(name, value, result)
		}
	})
	return fieldError()
}

func hostDeleteField(side side, name string) error {
	call(func(result unsafe.Pointer) {
		if side == requestSide {
			requestDeleteField(name, result)
		} else {
			responseDeleteField(name, result)
		}
	})
	return fieldError()
}

// fieldError reads a result without a value.
func fieldError() error {
	if tag(0) == 0 {
		return nil
	}
	kind := FieldErrorKind(tag(1))
	if kind >= TooMany {
		return &FieldError{Kind: TooMany}
	}
	return &FieldError{kind, textAt(word(2), word(3))}
}

func hostBody(side side) ([]byte, error) {
	call(func(result unsafe.Pointer) {
		if side == requestSide {
			requestBody(result)
		} else {
			responseBody(result)
		}
	})
	if tag(0) == 0 {
		return bytesAt(word(2), word(3)), nil
	}
	switch kind := BodyErrorKind(tag(2)); kind {
	case TooLarge:
		return nil, &BodyError{Kind: kind, Limit: result[2]}
	case Disconnected:
		return nil, &BodyError{Kind: kind, Detail: textAt(word(4), word(5))}
	default:
		return nil, &BodyError{Kind: kind}
	}
}

func hostSetBody(side side, body []byte) {
	data, length := unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body))
	if side == requestSide {
		requestSetBody(data, length)
	} else {
		responseSetBody(data, length)
	}
}

func hostNote(key string) ([]byte, bool) {
	call(func(result unsafe.Pointer) { exchangeNote(key, result) })
	if tag(0) == 0 {
		return nil, false
	}
	return bytesAt(word(1), word(2)), true
}

func hostSetNote(key string, value []byte) {
	exchangeSetNote(key, unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value)))
}

func hostSetting(key string) (string, bool) {
	call(func(result unsafe.Pointer) { storeGet(key, result) })
	if tag(0) != 0 {
		panic(settingsFailure("setting " + key + " can't be read: " + textAt(word(2), word(3))))
	}
	if tag(1) == 0 {
		return "", false
	}
	return textAt(word(2), word(3)), true
}

func hostSettings() map[string]string {
	call(storeGetAll)
	if tag(0) != 0 {
		panic(settingsFailure("the settings can't be read: " + textAt(word(2), word(3))))
	}
	settings := make(map[string]string)
	for _, pair := range pairsAt(word(1), word(2)) {
		settings[pair.Name] = pair.Value
	}
	return settings
}

func hostLog(level Level, context, message string) { loggingLog(uint32(level), context, message) }
