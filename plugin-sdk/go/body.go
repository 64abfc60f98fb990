package tollgate

import (
	"errors"
	"fmt"
)

// Unit is how a body is cut into pieces. A line or an event that is longer than the plugin's limit `piece` fails the body.
type Unit uint8

const (
	// Bytes: as they arrive.
	Bytes Unit = iota
	// Text: as it arrives, but never inside a UTF-8 character.
	Text
	// Lines: each with its line end.
	Lines
	// Events: of an event stream, each with the blank line at its end; see [EventData].
	Events
	// Messages: of gRPC, without their prefix. Each [Emit] is one message.
	Messages
)

// Fate is what becomes of a piece of a body.
type Fate uint8

const (
	// Keep: it goes on as it is, after what was emitted. It is not copied back to the host.
	Keep Fate = iota
	// Replace: what was emitted goes on in its place, which may be nothing.
	Replace
	// Stop: what was emitted goes on, then the body ends properly. Its source is told to stop.
	Stop
)

// Wish is that a plugin wants a body, how it is cut, and what rewrites it.
type Wish struct {
	Unit Unit
	// Decoded is whether `content-encoding` is undone before the plugin and done again behind it.
	Decoded bool
	// Rewriter lives as long as the body, so its fields are the state.
	Rewriter Rewriter
}

// Rewriter rewrites one body. If a method returns an error or panics, the message ends visibly broken, never as if it were
// complete.
type Rewriter interface {
	// Piece is called for each piece. What it emits goes on before the piece, or in its place.
	Piece(piece []byte) (Fate, error)
	// End is called when the body is complete, and not after [Stop]: it may emit what is left.
	End() error
}

// RewriterFunc is a [Rewriter] that does nothing at the end.
type RewriterFunc func(piece []byte) (Fate, error)

// Piece calls the function.
func (f RewriterFunc) Piece(piece []byte) (Fate, error) { return f(piece) }

// End does nothing.
func (RewriterFunc) End() error { return nil }

// BodyHook is called when the head is final, before the first piece. nil leaves this body alone, at no further cost.
type BodyHook func(Request, Response) (*Wish, error)

// Emit sends bytes of a body on, in a [Rewriter]. It waits while the receiver is not ready.
func Emit(data []byte) {
	enter()
	defer leave()
	hostEmit(data)
}

// BodyExport is what the packages tollgate/requestbody and tollgate/responsebody export; a plugin calls their function On. They are
// packages of their own because a plugin exports what it imports.
type BodyExport struct {
	name     string
	hook     BodyHook
	rewriter Rewriter
}

// bodies are those of the packages that the plugin has.
var bodies []*BodyExport

// NewBodyExport is for these packages.
func NewBodyExport(name string) *BodyExport {
	body := &BodyExport{name: name}
	bodies = append(bodies, body)
	return body
}

// Register keeps the hook.
func (b *BodyExport) Register(hook BodyHook) {
	if b.hook != nil {
		misuse = b.name + ".On was called twice: one hook would replace the other"
	}
	b.hook = hook
}

func (b *BodyExport) begin() (wish *Wish, err error) {
	defer begin().end()
	defer explainInto(&err)
	b.rewriter = nil
	wish, err = b.hook(Request{message{requestSide}}, Response{message{responseSide}})
	if wish == nil || err != nil {
		return nil, err
	}
	if wish.Rewriter == nil || wish.Unit > Messages {
		return nil, fmt.Errorf("the function of %s.On returned a wish without a rewriter, or with an unknown unit", b.name)
	}
	b.rewriter = wish.Rewriter
	return wish, nil
}

func (b *BodyExport) piece(data []byte) (fate Fate, err error) {
	defer begin().end()
	defer explainInto(&err)
	if b.rewriter == nil {
		return Keep, errNotBegun
	}
	fate, err = b.rewriter.Piece(data)
	if fate > Stop && err == nil {
		err = fmt.Errorf("Piece returned the unknown fate %d", fate)
	}
	if fate == Stop || err != nil {
		b.rewriter = nil
	}
	return fate, err
}

func (b *BodyExport) end() (err error) {
	defer begin().end()
	defer explainInto(&err)
	rewriter := b.rewriter
	if b.rewriter = nil; rewriter == nil {
		return errNotBegun
	}
	return rewriter.End()
}

var errNotBegun = errors.New("the host gave a piece of a body that had not begun")
