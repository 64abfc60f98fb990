package tollgate

import (
	"bytes"
	"strings"
	"testing"
)

func TestEventsAreReadAsABrowserDoes(t *testing.T) {
	for _, one := range []struct {
		event, name, data string
		has               bool
	}{
		{"data: This is the first message.\n\n", "", "This is the first message.", true},
		{"data: YHOO\ndata: +2\ndata: 10\n\n", "", "YHOO\n+2\n10", true},
		{"event: add\ndata: 73857293\n\n", "add", "73857293", true},
		{": test stream\n\n", "", "", false},
		{"data:  third event\n\n", "", " third event", true},
		{"data\ndata\n\n", "", "\n", true},
		{"data\n\n", "", "", true},
		{"data:a\r\ndata:b\rdata:c\n\r\n", "", "a\nb\nc", true},
		{"data : x\ndata:y:z\n dAta: w\nData: v\n\n", "", "y:z", true},
		{"event: a\nevent\n\n", "", "", false},
		{"data: cut", "", "cut", true},
		{"", "", "", false},
	} {
		data, has := EventData([]byte(one.event))
		if string(data) != one.data || has != one.has || EventName([]byte(one.event)) != one.name {
			t.Errorf("%q: %q %v %q", one.event, data, has, EventName([]byte(one.event)))
		}
	}
}

func TestAnEventGetsOtherDataAndNothingElseChanges(t *testing.T) {
	for _, one := range [][3]string{
		{"data: a\n\n", "b", "data: b\n\n"},
		{": c\r\nid: 1\r\ndata: a\r\nx: y\r\ndata: b\r\n\r\n", "1\n2", ": c\r\nid: 1\r\ndata: 1\r\ndata: 2\r\nx: y\r\n\r\n"},
		{"data:a\r\r", "b", "data: b\r\r"},
		{"event: x\n\n", "new", "event: x\ndata: new\n\n"},
		{"data", "new", "data: new\n"},
		{"id: 1", "", "id: 1\ndata: \n"},
	} {
		if with := EventWithData([]byte(one[0]), []byte(one[1])); string(with) != one[2] {
			t.Errorf("%q: %q", one[0], with)
		}
	}
}

func TestAnEventThatIsMadeIsReadAgain(t *testing.T) {
	for _, data := range []string{"", "a", "\n", "a\n", "\na", "a\r\nb\rc", " a", ":"} {
		event, err := Event{Name: "n", RetryMS: 5, Data: []byte(data)}.Bytes()
		want := strings.ReplaceAll(strings.ReplaceAll(data, "\r\n", "\n"), "\r", "\n")
		if got, _ := EventData(event); err != nil || string(got) != want || !bytes.HasPrefix(event, []byte("event: n\nretry: 5\n")) {
			t.Errorf("%q: %q %v", data, event, err)
		}
	}
	for _, bad := range []Event{{Name: "a\nb"}, {ID: "a\rb"}, {ID: "\x00"}} {
		if _, err := bad.Bytes(); err == nil {
			t.Errorf("%v has bytes", bad)
		}
	}
}
