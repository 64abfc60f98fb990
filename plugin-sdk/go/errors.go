package tollgate

import "fmt"

// FieldErrorKind says why a part of a message could not be changed.
type FieldErrorKind uint8

const (
	// InvalidName: not a token (RFC 9110, section 5.6.2).
	InvalidName FieldErrorKind = iota
	// InvalidValue: it can't stand where it was put.
	InvalidValue
	// OwnedByHost: the field describes the connection or the framing, which the host alone sets.
	OwnedByHost
	// TooMany: the message has as many fields as the host allows.
	TooMany
)

// FieldError is why a part of a message could not be changed. Nothing was changed.
type FieldError struct {
	Kind FieldErrorKind
	// Detail is the name of the field, or for InvalidValue what is wrong with the value.
	Detail string
}

func (e *FieldError) Error() string {
	switch e.Kind {
	case InvalidName:
		return fmt.Sprintf("%q is not a field name", e.Detail)
	case InvalidValue:
		return e.Detail
	case OwnedByHost:
		return "the field " + e.Detail + " is set by the host alone"
	default:
		return "the message has as many fields as the host allows"
	}
}

// BodyErrorKind says why a body can't be had.
type BodyErrorKind uint8

const (
	// TooLarge: longer than this plugin may read at once. The body is still whole for everyone else.
	TooLarge BodyErrorKind = iota
	// TimedOut: no further byte came in the time that the host allows.
	TimedOut
	// Disconnected: the peer went away or broke the framing.
	Disconnected
	// AlreadyStreamed: it has gone on to its receiver and was not kept.
	AlreadyStreamed
)

// BodyError is why a body can't be had. A plugin that can't go on without the body returns it; the client then sees
// 413, 408 or 502.
type BodyError struct {
	Kind BodyErrorKind
	// Limit is how many bytes the plugin may read, for TooLarge.
	Limit uint64
	// Detail is what the host saw, for Disconnected.
	Detail string
}

func (e *BodyError) Error() string {
	switch e.Kind {
	case TooLarge:
		return fmt.Sprintf("the body is longer than the %d bytes that this plugin may read", e.Limit)
	case TimedOut:
		return "the body did not arrive in time"
	case Disconnected:
		return "the body broke off: " + e.Detail
	default:
		return "the body has gone on to its receiver: read it in the request hook if it is needed later"
	}
}
