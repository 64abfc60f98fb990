//go:build !wasip1

package tollgate

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// withHooks registers hooks for one test.
func withHooks(t *testing.T, request RequestHook, response ResponseHook) {
	t.Helper()
	requestHook, responseHook, misuse = nil, nil, ""
	if request != nil {
		OnRequest(request)
	}
	if response != nil {
		OnResponse(response)
	}
	t.Cleanup(func() { requestHook, responseHook, misuse = nil, nil, "" })
}

func forward(Request, Response) (Verdict, error) { return Forward, nil }

func TestAPluginWithoutHooksIsRefused(t *testing.T) {
	if _, err := (&Fake{}).ForwardRequest(); err == nil || !strings.Contains(err.Error(), "no hook") {
		t.Errorf("got %v", err)
	}
	if err := (&Fake{}).ReturnResponse(); err == nil || !strings.Contains(err.Error(), "no hook") {
		t.Errorf("got %v", err)
	}
}

func TestASecondHookIsRefused(t *testing.T) {
	withHooks(t, forward, nil)
	OnRequest(forward)
	if _, err := (&Fake{}).ForwardRequest(); err == nil || !strings.Contains(err.Error(), "OnRequest was called twice") {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerThatIsNotReturnedIsAnError(t *testing.T) {
	withHooks(t, func(_ Request, response Response) (Verdict, error) {
		response.Answer(403, "text/plain", "no")
		return Forward, nil
	}, nil)
	if _, err := (&Fake{}).ForwardRequest(); err == nil || !strings.HasPrefix(err.Error(), "an answer was made") {
		t.Errorf("got %v", err)
	}
	withHooks(t, forward, nil)
	if _, err := (&Fake{}).ForwardRequest(); err != nil {
		t.Errorf("the next call got %v", err)
	}
}

func TestAGoroutineDoesNotSpeakForTheNextExchange(t *testing.T) {
	goOn, ended := make(chan bool), make(chan bool, 1)
	withHooks(t, func(request Request, _ Response) (Verdict, error) {
		if request.Target() == "/first" {
			go func() {
				defer func() { ended <- true }()
				SetNote("first", nil)
				goOn <- true
				<-goOn
				SetNote("stray", []byte(request.Target()))
				t.Error("the goroutine went on")
			}()
			<-goOn
			return Forward, nil
		}
		goOn <- true
		<-ended
		SetNote("own", nil)
		return Forward, nil
	}, nil)
	first, second := &Fake{Target: "/first"}, &Fake{Target: "/second"}
	for _, exchange := range []*Fake{first, second} {
		if _, err := exchange.ForwardRequest(); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := first.Notes["first"]; !ok {
		t.Error("a goroutine can't call the host while its hook runs")
	}
	_, stray := second.Notes["stray"]
	_, own := second.Notes["own"]
	if stray || !own {
		t.Errorf("got %v", second.Notes)
	}
	if len(second.Lines) != 1 || !strings.HasPrefix(second.Lines[0], "error a goroutine that the hook in hand did not start") {
		t.Errorf("got %q", second.Lines)
	}
}

func TestARefusedConnectionIsExplained(t *testing.T) {
	withHooks(t, func(Request, Response) (Verdict, error) {
		return Forward, fmt.Errorf("get: %w", syscall.ECONNREFUSED)
	}, nil)
	if _, err := (&Fake{}).ForwardRequest(); err == nil || !strings.Contains(err.Error(), "a plugin has no sockets") {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerHasStatusTypeAndBody(t *testing.T) {
	withHooks(t, func(_ Request, response Response) (Verdict, error) {
		return response.Answer(403, "text/plain", "no")
	}, nil)
	exchange := &Fake{}
	verdict, err := exchange.ForwardRequest()
	if verdict != Respond || err != nil {
		t.Fatalf("got %v, %v", verdict, err)
	}
	if exchange.Status != 403 || string(exchange.ResponseBody) != "no" {
		t.Errorf("got %d %q", exchange.Status, exchange.ResponseBody)
	}
	if want := []Field{{"content-type", "text/plain"}}; !reflect.DeepEqual(exchange.ResponseFields, want) {
		t.Errorf("got %v", exchange.ResponseFields)
	}
}

func TestAStatusThatIsNoneIsAnError(t *testing.T) {
	withHooks(t, func(_ Request, response Response) (Verdict, error) {
		return response.Answer(65536+200, "", "")
	}, nil)
	if _, err := (&Fake{}).ForwardRequest(); err == nil || !strings.Contains(err.Error(), "65736") {
		t.Errorf("got %v", err)
	}
}

func TestAPanicIsAnErrorAndItsPlaceIsLogged(t *testing.T) {
	withHooks(t, nil, func(Request, Response) error {
		var none []int
		_ = none[len(none)]
		return nil
	})
	exchange := &Fake{}
	err := exchange.ReturnResponse()
	if err == nil || err.Error() != "panic: runtime error: index out of range [0] with length 0" {
		t.Errorf("got %v", err)
	}
	if len(exchange.Lines) != 1 || !strings.Contains(exchange.Lines[0], "hooks_test.go") {
		t.Errorf("got %q", exchange.Lines)
	}
}

func TestFieldsAreSetAsTheContractSays(t *testing.T) {
	exchange := &Fake{RequestFields: []Field{{"a", "1"}, {"b", "2"}, {"a", "3"}}}
	withHooks(t, func(request Request, _ Response) (Verdict, error) {
		if got := request.FieldValues("A"); !reflect.DeepEqual(got, []string{"1", "3"}) {
			t.Errorf("got %v", got)
		}
		if _, ok := request.Field("c"); ok {
			t.Error("c is there")
		}
		var fieldError *FieldError
		err := request.SetFields(Field{"a", "4"}, Field{"te", "trailers"})
		if !errors.As(err, &fieldError) || fieldError.Kind != OwnedByHost {
			t.Errorf("got %v", err)
		}
		return Forward, errors.Join(request.SetFields(Field{"a", "4"}, Field{"a", "5"}), request.AppendField("D", "\xff"),
			request.DeleteField("b"))
	}, nil)
	if _, err := exchange.ForwardRequest(); err != nil {
		t.Fatal(err)
	}
	if want := []Field{{"a", "4"}, {"a", "5"}, {"d", "\xff"}}; !reflect.DeepEqual(exchange.RequestFields, want) {
		t.Errorf("got %v", exchange.RequestFields)
	}
}

func TestJSONBodies(t *testing.T) {
	exchange := &Fake{ResponseBody: []byte(`{"n":1}`)}
	withHooks(t, nil, func(_ Request, response Response) error {
		var body struct{ N int }
		if err := response.JSON(&body); err != nil {
			return err
		}
		body.N++
		return response.SetJSON(body)
	})
	if err := exchange.ReturnResponse(); err != nil {
		t.Fatal(err)
	}
	if string(exchange.ResponseBody) != `{"N":2}` {
		t.Errorf("got %s", exchange.ResponseBody)
	}
	exchange.ResponseFields = []Field{{"content-encoding", "gzip"}}
	if err := exchange.ReturnResponse(); err == nil || !strings.HasPrefix(err.Error(), "the body is encoded (content-encoding: gzip)") {
		t.Errorf("got %v", err)
	}
	exchange.ResponseFields = nil
	exchange.ResponseBody = []byte("{")
	if err := exchange.ReturnResponse(); err == nil || !strings.HasPrefix(err.Error(), "the body is not the JSON") {
		t.Errorf("got %v", err)
	}
	exchange.BodyError = &BodyError{Kind: TooLarge, Limit: 7}
	if err := exchange.ReturnResponse(); err != exchange.BodyError {
		t.Errorf("got %v", err)
	}
}

func TestSettings(t *testing.T) {
	exchange := &Fake{Settings: map[string]string{"name": "x", "list": "[1,2]", "bad": "[1"}}
	withHooks(t, func(Request, Response) (Verdict, error) {
		if SettingOr("name", "y") != "x" || SettingOr("none", "y") != "y" {
			t.Error("SettingOr")
		}
		var list []int
		if ok, err := SettingJSON("list", &list); !ok || err != nil || len(list) != 2 {
			t.Error(ok, err, list)
		}
		_, err := SettingJSON("bad", &list)
		return Forward, err
	}, nil)
	if _, err := exchange.ForwardRequest(); err == nil || !strings.HasPrefix(err.Error(), `setting bad is "[1": `) {
		t.Errorf("got %v", err)
	}
}

func TestTargets(t *testing.T) {
	exchange := &Fake{Target: "/a?b?c"}
	withHooks(t, func(request Request, _ Response) (Verdict, error) {
		if request.Path() != "/a" || request.Query() != "b?c" {
			t.Error(request.Path(), request.Query())
		}
		return Forward, request.SetTarget("no path")
	}, nil)
	if _, err := exchange.ForwardRequest(); err == nil {
		t.Error("a target with a space was taken")
	}
}
