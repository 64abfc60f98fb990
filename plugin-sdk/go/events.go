package tollgate

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The functions here read and write events of an event stream (server-sent events; WHATWG HTML, section 9.2). With [Events] each
// piece of a body is one event: its lines, and the blank line at its end. They read such a piece as a browser would.

// EventFields are the fields of an event: data, event, id, retry and others. Comments are left out.
func EventFields(event []byte) []Field {
	var fields []Field
	for len(event) > 0 {
		var line []byte
		line, _, event = cutLine(event)
		if name, value, ok := eventField(line); ok {
			fields = append(fields, Field{string(name), string(value)})
		}
	}
	return fields
}

// EventData is the values of the fields `data` with line feeds between them, and whether there is any; readers ignore an event
// without.
func EventData(event []byte) ([]byte, bool) {
	var values [][]byte
	for len(event) > 0 {
		var line []byte
		line, _, event = cutLine(event)
		if name, value, ok := eventField(line); ok && string(name) == "data" {
			values = append(values, value)
		}
	}
	return bytes.Join(values, []byte("\n")), values != nil
}

// EventName is the value of the last field `event`; if there is none, or an empty one, readers call the event `message`.
func EventName(event []byte) string {
	name := ""
	for _, field := range EventFields(event) {
		if field.Name == "event" {
			name = field.Value
		}
	}
	return name
}

// EventWithData is the event with other data; its other lines stay as they are. Each line of the data becomes a field `data`, at
// the place of the first one, or behind the other fields.
func EventWithData(event, data []byte) []byte {
	var with bytes.Buffer
	written := false
	lineEnd := []byte("\n")
	for len(event) > 0 {
		var line, end []byte
		line, end, event = cutLine(event)
		if len(end) > 0 {
			lineEnd = end
		}
		name, _, isField := eventField(line)
		isData := isField && string(name) == "data"
		if (isData || len(line) == 0) && !written {
			writeEventField(&with, "data", data, lineEnd)
			written = true
		}
		if !isData {
			with.Write(line)
			with.Write(end)
		}
	}
	if !written {
		// The event was cut off, perhaps within a line.
		if with.Len() > 0 && !bytes.HasSuffix(with.Bytes(), []byte("\n")) && !bytes.HasSuffix(with.Bytes(), []byte("\r")) {
			with.Write(lineEnd)
		}
		writeEventField(&with, "data", data, lineEnd)
	}
	return with.Bytes()
}

// Event is an event to be sent.
type Event struct {
	// Name and ID are left out if they are empty.
	Name, ID string
	// RetryMS tells the client how long to wait before it connects again; 0 leaves it out.
	RetryMS uint64
	Data    []byte
}

// Bytes are those of the event, with the blank line at its end. A name or id with a line break, or an id with a NUL, is an error: a
// reader would not get it as it is.
func (e Event) Bytes() ([]byte, error) {
	var out bytes.Buffer
	for _, field := range []Field{{"event", e.Name}, {"id", e.ID}} {
		if strings.ContainsAny(field.Value, "\r\n") || field.Name == "id" && strings.Contains(field.Value, "\x00") {
			return nil, fmt.Errorf("an event of an event stream can't have the %s %q", field.Name, field.Value)
		}
		if field.Value != "" {
			writeEventField(&out, field.Name, []byte(field.Value), []byte("\n"))
		}
	}
	if e.RetryMS > 0 {
		writeEventField(&out, "retry", []byte(strconv.FormatUint(e.RetryMS, 10)), []byte("\n"))
	}
	writeEventField(&out, "data", e.Data, []byte("\n"))
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// cutLine is the first line, its end (CR, LF, CRLF, or nothing), and what follows.
func cutLine(text []byte) (line, end, rest []byte) {
	at := bytes.IndexAny(text, "\r\n")
	if at < 0 {
		return text, nil, nil
	}
	length := 1
	if bytes.HasPrefix(text[at:], []byte("\r\n")) {
		length = 2
	}
	return text[:at], text[at : at+length], text[at+length:]
}

// eventField is name and value of a line; not ok for a comment and for a blank line.
func eventField(line []byte) (name, value []byte, ok bool) {
	name, value, _ = bytes.Cut(line, []byte(":"))
	return name, bytes.TrimPrefix(value, []byte(" ")), len(name) > 0
}

// writeEventField writes one field for each line of the value; what stands behind the last line break is a line too.
func writeEventField(out *bytes.Buffer, name string, value, lineEnd []byte) {
	for {
		line, end, rest := cutLine(value)
		out.WriteString(name)
		out.WriteString(": ")
		out.Write(line)
		out.Write(lineEnd)
		if len(end) == 0 {
			return
		}
		value = rest
	}
}
