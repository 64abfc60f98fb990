package tollgate

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"
)

var (
	requestHook  RequestHook
	responseHook ResponseHook
	startHook    StartHook
	// misuse is what is wrong with the registration of hooks.
	misuse string
	// answered is whether [Response.Answer] was called in the request hook that runs.
	answered bool
)

// OnRequest registers the hook for requests. Without one every request is forwarded. A plugin that registers two hooks for
// requests, or no hook at all, is refused when it is loaded.
func OnRequest(hook RequestHook) {
	if requestHook != nil {
		misuse = "tollgate.OnRequest was called twice: one hook would replace the other"
	}
	requestHook = hook
}

// OnResponse registers the hook for responses. Without one every response is left as it is.
func OnResponse(hook ResponseHook) {
	if responseHook != nil {
		misuse = "tollgate.OnResponse was called twice: one hook would replace the other"
	}
	responseHook = hook
}

// OnStart registers what is called once for each new instance, before the hooks: the place to read the settings. Its error
// refuses the plugin, or the changed configuration. There is no exchange yet.
func OnStart(hook StartHook) {
	if startHook != nil {
		misuse = "tollgate.OnStart was called twice: one hook would replace the other"
	}
	startHook = hook
}

// misused says what is wrong with the plugin, if anything is. What doesn't register must not pass for a plugin.
func misused() string {
	for _, body := range bodies {
		if misuse == "" && body.hook == nil {
			return "the plugin imports tollgate/" + body.name + " and does not call " + body.name + ".On"
		}
	}
	if misuse == "" && background != nil && background.hook == nil {
		return "the plugin imports tollgate/background and does not call background.On"
	}
	if misuse == "" && requestHook == nil && responseHook == nil && len(bodies) == 0 && background == nil {
		return "the plugin has no hook: call tollgate.OnRequest, tollgate.OnResponse or both in an init function"
	}
	return misuse
}

func start() (err error) {
	if startHook == nil {
		return nil
	}
	defer begin().end()
	defer explainInto(&err)
	return startHook()
}

// forwardRequest calls the hook; a panic becomes an error, so that the instance can go on.
func forwardRequest() (verdict Verdict, err error) {
	if requestHook == nil {
		return Forward, nil
	}
	answered = false
	defer begin().end()
	defer explainInto(&err)
	verdict, err = requestHook(Request{message{requestSide}}, Response{message{responseSide}})
	if err == nil && verdict == Forward && answered {
		return Forward, errors.New("an answer was made, but the hook returned forward: return the answer")
	}
	return verdict, err
}

func returnResponse() (err error) {
	if responseHook == nil {
		return nil
	}
	defer begin().end()
	defer explainInto(&err)
	return responseHook(Request{message{requestSide}}, Response{message{responseSide}})
}

// explainInto makes an error of a panic, and says of a refused connection why.
func explainInto(err *error) {
	switch cause := recover().(type) {
	case nil:
		// Package net keeps only the text.
		if *err != nil && strings.Contains((*err).Error(), syscall.ECONNREFUSED.Error()) {
			*err = fmt.Errorf("%w (a plugin has no sockets: send requests with tollgate.Client)", *err)
		}
	case settingsFailure:
		*err = errors.New(string(cause))
	default:
		Log(LevelError, "", string(debug.Stack()))
		*err = fmt.Errorf("panic: %v", cause)
	}
}
