// A tour of what a plugin can do, the same in every language.
package main

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"tollgate"
	"tollgate/responsebody"
)

const lookupTimeout = 2 * time.Second

// The settings, which are read when an instance starts.
var (
	mark          string
	window, delay time.Duration
	lookup        string
)

func init() {
	tollgate.OnStart(start)
	tollgate.OnRequest(forwardRequest)
	tollgate.OnResponse(returnResponse)
	responsebody.On(wishForStream)
}

func main() {}

func start() error {
	mark = tollgate.SettingOr("mark", "none")
	if text, ok := tollgate.Setting("window"); ok {
		seconds, ok := whole(text)
		if !ok || seconds < 1 || seconds > 86400 {
			return errors.New("window: expected whole seconds from 1 to 86400")
		}
		window = time.Duration(seconds) * time.Second
	}
	if text, ok := tollgate.Setting("delay"); ok {
		ms, ok := whole(text)
		if !ok || ms > 60000 {
			return errors.New("delay: expected whole milliseconds from 0 to 60000")
		}
		delay = time.Duration(ms) * time.Millisecond
	}
	if url, ok := tollgate.Setting("lookup"); ok {
		if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
			return errors.New("lookup: expected a URL with http or https")
		}
		lookup = url
	}
	tollgate.Metrics.Describe("tour_responses", "Responses by class of status")
	tollgate.Metrics.Describe("tour_stream_events", "Events of a stream", 1, 10, 100, 1000)
	return nil
}

// whole is a number in at most five decimal digits.
func whole(text string) (uint64, bool) {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	if len(text) > 5 || strings.TrimFunc(text, isDigit) != "" {
		return 0, false
	}
	number, err := strconv.ParseUint(text, 10, 64)
	return number, err == nil
}

func forwardRequest(request tollgate.Request, response tollgate.Response) (tollgate.Verdict, error) {
	tollgate.Infof("forward %s %s", request.Method(), request.Target())
	if err := request.SetField("x-tour", mark); err != nil {
		return tollgate.Forward, errors.New("x-tour: refused")
	}
	if request.Path() == "/tour" {
		return response.Answer(200, "text/plain; charset=utf-8", "tour: "+mark+"\n")
	}
	if window > 0 {
		if err := request.SetField("x-tour-count", count()); err != nil {
			return tollgate.Forward, errors.New("x-tour-count: refused")
		}
	}
	if delay > 0 {
		tollgate.Sleep(delay)
	}
	if lookup != "" {
		if err := request.SetField("x-tour-lookup", lookUp()); err != nil {
			return tollgate.Forward, errors.New("x-tour-lookup: refused")
		}
	}
	return tollgate.Forward, nil
}

// count is how many requests the client has sent in its window, or `unknown`.
func count() string {
	address := tollgate.ClientAddress()
	host := address[:max(strings.LastIndexByte(address, ':'), 0)]
	sum, err := tollgate.State.Increment("count "+host, 1, window)
	var failure *tollgate.StateError
	if errors.As(err, &failure) {
		tollgate.Warnf("count: %s", failure.Kind)
		return "unknown"
	}
	return strconv.FormatInt(sum, 10)
}

// lookUp is what a server says, or `failed`.
func lookUp() string {
	fields := []tollgate.Field{{Name: "x-tour", Value: mark}}
	answer, err := tollgate.Client.Send(tollgate.OutgoingRequest{URL: lookup, Fields: fields, Timeout: lookupTimeout})
	var failure *tollgate.SendError
	if errors.As(err, &failure) {
		tollgate.Warnf("lookup: %s", failure.Kind)
		return "failed"
	}
	if answer.Status != 200 {
		tollgate.Warnf("lookup: status %d", answer.Status)
		return "failed"
	}
	return string(answer.Body)
}

func returnResponse(_ tollgate.Request, response tollgate.Response) error {
	if err := response.SetField("x-tour", mark); err != nil {
		return errors.New("x-tour: refused")
	}
	if mediaType, _ := response.Field("content-type"); strings.HasPrefix(mediaType, "application/json") {
		greet(response)
	}
	status := response.Status()
	tollgate.Metrics.Add("tour_responses", 1, tollgate.Labels{"class": strconv.Itoa(status/100) + "xx"})
	tollgate.Infof("return %d", status)
	return nil
}

// greet puts the mark into the body's member `greeting`.
func greet(response tollgate.Response) {
	body, err := response.Body()
	if err != nil {
		tollgate.Warnf("body: not available")
		return
	}
	if replaced, ok := tollgate.ReplaceJSON(body, "greeting", mark); ok {
		response.SetBody(replaced)
	}
}

func wishForStream(_ tollgate.Request, response tollgate.Response) (*tollgate.Wish, error) {
	if mediaType, _ := response.Field("content-type"); !strings.HasPrefix(mediaType, "text/event-stream") {
		return nil, nil
	}
	return &tollgate.Wish{Unit: tollgate.Events, Decoded: true, Rewriter: &greetings{}}, nil
}

// greetings rewrites an event stream, in which a greeting becomes the mark.
type greetings struct{ events int }

func (g *greetings) Piece(event []byte) (tollgate.Fate, error) {
	g.events++
	data, _ := tollgate.EventData(event)
	rest, found := bytes.CutPrefix(data, []byte("hello"))
	if !found {
		return tollgate.Keep, nil
	}
	tollgate.Emit(tollgate.EventWithData(event, append([]byte(mark), rest...)))
	return tollgate.Replace, nil
}

func (g *greetings) End() error {
	tollgate.Metrics.Observe("tour_stream_events", float64(g.events), nil)
	return nil
}
