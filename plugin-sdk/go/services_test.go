//go:build !wasip1

package tollgate

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// inHook runs a function as a hook of an exchange.
func inHook(t *testing.T, exchange *Fake, hook func()) {
	t.Helper()
	withHooks(t, func(Request, Response) (Verdict, error) {
		hook()
		return Forward, nil
	}, nil)
	if _, err := exchange.ForwardRequest(); err != nil {
		t.Fatal(err)
	}
}

func TestStateIsKeptCountedAndSwapped(t *testing.T) {
	exchange := &Fake{}
	inHook(t, exchange, func() {
		if _, ok, err := State.Get("a"); ok || err != nil {
			t.Error("a key that was not set", ok, err)
		}
		State.Set("a", []byte("x"), time.Minute)
		first, _ := State.Increment("n", 5, 0)
		second, _ := State.Increment("n", -7, 0)
		if first != 5 || second != -2 {
			t.Error("counted", first, second)
		}
		_, err := State.Increment("a", 1, 0)
		var refused *StateError
		if !errors.As(err, &refused) || refused.Kind != StateNotANumber || refused.Kind.String() != "not-a-number" {
			t.Error("what is no number", err)
		}
		for _, swap := range []struct {
			expected, replacement []byte
			is                    bool
		}{{nil, []byte("y"), false}, {[]byte(""), nil, false}, {[]byte("x"), []byte(""), true}, {[]byte(""), nil, true}, {nil, []byte("z"), true}} {
			if is, err := State.CompareAndSwap("a", swap.expected, swap.replacement, 0); is != swap.is || err != nil {
				t.Error("swapped", swap, is, err)
			}
		}
		if keys, _ := State.Keys("", "a", 5); !reflect.DeepEqual(keys, []string{"n"}) {
			t.Error("keys", keys)
		}
		if was, _ := State.Delete("n"); !was {
			t.Error("not deleted")
		}
	})
	if want := map[string][]byte{"a": []byte("z")}; !reflect.DeepEqual(exchange.State, want) {
		t.Errorf("left %q", exchange.State)
	}
}

func TestAShortTimeIsNotNone(t *testing.T) {
	for duration, ms := range map[time.Duration]uint64{0: 0, -5: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000} {
		if got := milliseconds(duration); got != ms {
			t.Errorf("%v is %d ms", duration, got)
		}
	}
}

func TestRequestsAreSent(t *testing.T) {
	var sent []OutgoingRequest
	exchange := &Fake{Outbound: func(request OutgoingRequest) (*IncomingResponse, error) {
		sent = append(sent, request)
		if request.Method == "PUT" {
			return nil, &SendError{SendTLS, "why"}
		}
		return &IncomingResponse{Status: 200, Fields: []Field{{"x-a", "1"}}, Body: []byte(`{"name":"ann"}`)}, nil
	}}
	inHook(t, exchange, func() {
		response, err := Client.Get("http://h/")
		if err != nil {
			t.Fatal(err)
		}
		var user struct{ Name string }
		if err := response.JSON(&user); err != nil || user.Name != "ann" {
			t.Error(user, err)
		}
		if value, ok := response.Field("X-A"); value != "1" || !ok {
			t.Error("no field")
		}
		response.Status = 404
		if err := response.JSON(&user); err == nil || err.Error() != "the response has the status 404" {
			t.Error(err)
		}
		results := Client.SendAll([]OutgoingRequest{{Method: "PUT", URL: "http://h/"}, {URL: "http://h/"}})
		var refused *SendError
		if !errors.As(results[0].Err, &refused) || refused.Kind.String() != "tls" || results[1].Response == nil {
			t.Error(results)
		}
		Sleep(time.Microsecond)
		Metrics.Add("a_total", 1, Labels{"z": "1", "b": "2"})
		Metrics.Describe("b", "Help.", 1, 2)
	})
	if len(sent) != 3 || sent[0].Method != "GET" || sent[2].Method != "GET" {
		t.Error(sent)
	}
	if exchange.Slept != time.Millisecond || strings.Join(exchange.Metrics, ";") != "add a_total 1 b=2 z=1;describe b Help. [1 2]" {
		t.Error(exchange.Slept, exchange.Metrics)
	}
}

func TestStartCanRefuse(t *testing.T) {
	withHooks(t, forward, nil)
	t.Cleanup(func() { startHook = nil })
	if err := (&Fake{}).Start(); err != nil {
		t.Error(err)
	}
	OnStart(func() error { _, err := RequireSetting("mark"); return err })
	if err := (&Fake{}).Start(); err == nil || err.Error() != "setting mark is missing" {
		t.Error(err)
	}
	OnStart(func() error { panic("x") })
	if err := (&Fake{}).Start(); err == nil || !strings.Contains(err.Error(), "OnStart was called twice") {
		t.Error(err)
	}
}

// counter numbers the lines of a body.
type counter struct{ lines int }

func (c *counter) Piece(piece []byte) (Fate, error) {
	c.lines++
	switch string(piece) {
	case "fail\n":
		return Keep, errors.New("no")
	case "panic\n":
		panic("no")
	case "stop\n":
		return Stop, nil
	case "unknown\n":
		return 9, nil
	}
	Emit([]byte("> "))
	return Keep, nil
}

func (c *counter) End() error {
	Emit([]byte("end"))
	return nil
}

func TestBodiesFlow(t *testing.T) {
	withHooks(t, nil, nil)
	body := NewBodyExport("responsebody")
	t.Cleanup(func() { bodies = nil })
	if _, err := (&Fake{}).RewriteResponse("a\n"); err == nil || !strings.Contains(err.Error(), "does not call responsebody.On") {
		t.Error(err)
	}
	body.Register(func(_ Request, response Response) (*Wish, error) {
		if response.Status() != 200 {
			return nil, nil
		}
		return &Wish{Unit: Lines, Decoded: true, Rewriter: &counter{}}, nil
	})
	for _, one := range []struct {
		status     int
		pieces     []string
		want, fail string
	}{
		{200, []string{"a\n", "b\n"}, "> a\n> b\nend", ""},
		{404, []string{"a\n"}, "a\n", ""},
		{200, []string{"a\n", "stop\n", "b\n"}, "> a\n", ""},
		{200, []string{"fail\n"}, "", "no"},
		{200, []string{"panic\n"}, "", "panic: no"},
		{200, []string{"unknown\n"}, "", "Piece returned the unknown fate 9"},
	} {
		got, err := (&Fake{Status: one.status}).RewriteResponse(one.pieces...)
		if got != one.want || (err == nil) != (one.fail == "") || err != nil && err.Error() != one.fail {
			t.Errorf("%v: %q %v", one.pieces, got, err)
		}
	}
	if _, err := body.piece(nil); !errors.Is(err, errNotBegun) {
		t.Error(err)
	}
}

func TestABackendIsChosen(t *testing.T) {
	exchange := &Fake{Backends: []string{"next"}}
	inHook(t, exchange, func() {
		if name := Backends.Current(); name != "default" {
			t.Error("before", name)
		}
		var refused *BackendError
		if err := Backends.Choose("other"); !errors.As(err, &refused) || refused.Kind.String() != "denied" {
			t.Error("not granted", err)
		}
		if err := Backends.Choose("next"); err != nil || Backends.Current() != "next" {
			t.Error("granted", err)
		}
	})
	if exchange.Backend != "next" {
		t.Error("sent to", exchange.Backend)
	}
	if err := (&BackendError{Kind: BackendTooLate}); err.Kind.String() != "too-late" || err.Error() == "" {
		t.Error(err)
	}
}

func TestBackgroundWorkIsCalledAndMayFail(t *testing.T) {
	exchange := &Fake{}
	if err := exchange.Tick(); err == nil {
		t.Error("there is none")
	}
	defer func() { background, misuse = nil, "" }()
	work := NewBackgroundExport()
	if err := exchange.Tick(); err == nil || !strings.Contains(err.Error(), "does not call background.On") {
		t.Error("not registered", err)
	}
	work.Register(func() error {
		if sum, err := State.Increment("ticks", 1, 0); err != nil || sum == 3 {
			panic("third")
		} else if sum == 2 {
			return errors.New("not now")
		}
		return nil
	})
	for _, want := range []string{"<nil>", "not now", "panic: third"} {
		if err := exchange.Tick(); fmt.Sprint(err) != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	work.Register(func() error { return nil })
	if err := exchange.Tick(); err == nil || !strings.Contains(err.Error(), "called twice") {
		t.Error("registered twice", err)
	}
}
