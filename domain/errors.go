package domain

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Code says what kind of failure an error is, and so what a caller can do about
// it. Transports pick their status by it; the set is closed (see [Codes]).
type Code string

const (
	// CodeInvalid says that the input is malformed; the same call will never succeed.
	CodeInvalid Code = "invalid"
	// CodeUnauthenticated says: no actor came with the call.
	CodeUnauthenticated Code = "unauthenticated"
	// CodeForbidden says: the actor is known and may not do this.
	CodeForbidden Code = "forbidden"
	// CodeNotFound says: the thing does not exist, or the actor may not know of it.
	CodeNotFound Code = "not_found"
	// CodeConflict says: another thing is in the way (a taken name, a newer revision).
	CodeConflict Code = "conflict"
	// CodePrecondition says: the thing is in a state that does not allow this.
	CodePrecondition Code = "precondition"
	// CodeRateLimited says: too many calls; RetryAfter tells how long to wait.
	CodeRateLimited Code = "rate_limited"
	// CodeUnavailable says: a peer cannot be reached or fails; trying later may help.
	CodeUnavailable Code = "unavailable"
	// CodeCanceled says: the caller gave up.
	CodeCanceled Code = "canceled"
	// CodeTimeout says: a deadline passed.
	CodeTimeout Code = "timeout"
	// CodeInternal says: a defect of Wharf or of its installation.
	CodeInternal Code = "internal"
)

// Codes lists every code, in the order of the documentation. The slice is new
// on every call.
func Codes() []Code {
	return []Code{
		CodeInvalid, CodeUnauthenticated, CodeForbidden, CodeNotFound, CodeConflict, CodePrecondition,
		CodeRateLimited, CodeUnavailable, CodeCanceled, CodeTimeout, CodeInternal,
	}
}

// Error is the one error type that crosses a port.
//
// Code picks the status. Reason is the stable machine name of the cause
// ("alias_taken"); empty means that the code says it all. On names the thing
// the error is about. Message is safe for the end user. Op and Err are detail
// for operators: logged, never sent.
type Error struct {
	Code       Code
	Reason     string
	On         string
	Message    string
	RetryAfter time.Duration // for rate_limited and unavailable; 0 means unknown
	Op         string
	Err        error
}

// Error returns the operator's view: everything that is known.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Reason != "" {
		s += "/" + e.Reason
	}
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.On != "" {
		s += " (" + e.On + ")"
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause, nil when there is none.
func (e *Error) Unwrap() error { return e.Err }

// Is matches by code, and by reason when target has one: errors.Is(err,
// domain.ErrNotFound) holds for every not_found.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Reason == "" || t.Reason == e.Reason)
}

// Sentinels for errors.Is; they match by code alone.
var (
	ErrInvalid         = &Error{Code: CodeInvalid}
	ErrUnauthenticated = &Error{Code: CodeUnauthenticated}
	ErrForbidden       = &Error{Code: CodeForbidden}
	ErrNotFound        = &Error{Code: CodeNotFound}
	ErrConflict        = &Error{Code: CodeConflict}
	ErrPrecondition    = &Error{Code: CodePrecondition}
	ErrRateLimited     = &Error{Code: CodeRateLimited}
	ErrUnavailable     = &Error{Code: CodeUnavailable}
	ErrCanceled        = &Error{Code: CodeCanceled}
	ErrTimeout         = &Error{Code: CodeTimeout}
	ErrInternal        = &Error{Code: CodeInternal}
)

// Errorf makes an error whose message is for the end user. On may be empty.
func Errorf(code Code, reason, on, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, On: on, Message: fmt.Sprintf(format, args...)}
}

// Invalid is Errorf with CodeInvalid: on names the field or the input.
func Invalid(reason, on, format string, args ...any) *Error {
	return Errorf(CodeInvalid, reason, on, format, args...)
}

// NotFound is the one shape of "no such thing": kind is a noun ("image"), on
// names it. The same shape answers for a thing that the actor may not know of.
func NotFound(kind, on string) *Error {
	return Errorf(CodeNotFound, kind+"_not_found", on, "no such %s: %s", kind, on)
}

// Wrap gives err an operation and, when err carries no code of its own, the
// code that [CodeOf] finds. It returns nil for nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok && e.Op == "" { //nolint:errorlint // only the outermost error can take the operation
		c := *e
		c.Op = op
		return &c
	}
	return &Error{Code: CodeOf(err), Reason: ReasonOf(err), On: OnOf(err), Message: rawMessage(err), RetryAfter: RetryAfterOf(err), Op: op, Err: err}
}

// Internal wraps a cause that no user can act on.
func Internal(op string, err error) *Error {
	return &Error{Code: CodeInternal, Op: op, Err: err}
}

// CodeOf returns the code of err: "" for nil, the code of the first [Error] in
// the chain, canceled and timeout for the context's errors, else internal.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	switch {
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout
	}
	return CodeInternal
}

// ReasonOf returns the machine name of the cause, the code's own name when the
// error has none, "" for nil.
func ReasonOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Reason != "" {
		return e.Reason
	}
	return string(CodeOf(err))
}

// OnOf returns the name of the thing that err is about; it may be empty.
func OnOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.On
	}
	return ""
}

// RetryAfterOf returns how long to wait before another try; 0 means unknown.
func RetryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// MessageOf returns what an end user may read: the message of the first
// [Error] in the chain, or the stock text of its code. Never operator detail.
func MessageOf(err error) string {
	if err == nil {
		return ""
	}
	if m := rawMessage(err); m != "" {
		return m
	}
	return stock[CodeOf(err)]
}

func rawMessage(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return ""
}

var stock = map[Code]string{
	CodeInvalid:         "the request is not valid",
	CodeUnauthenticated: "authentication is required",
	CodeForbidden:       "this is not allowed",
	CodeNotFound:        "not found",
	CodeConflict:        "the request conflicts with the current state",
	CodePrecondition:    "the current state does not allow this",
	CodeRateLimited:     "too many requests",
	CodeUnavailable:     "a service that this needs is unavailable",
	CodeCanceled:        "the request was canceled",
	CodeTimeout:         "the request took too long",
	CodeInternal:        "internal error",
}

// Problem is an error as data: what results, outcomes and transports carry.
// It holds what the end user may read and nothing else.
type Problem struct { //nolint:errname // data first, an error on the side
	Code    Code   `json:"code"`
	Reason  string `json:"reason,omitempty"`
	On      string `json:"on,omitempty"`
	Message string `json:"message"`
}

// ProblemOf turns err into a Problem; nil for nil.
func ProblemOf(err error) *Problem {
	if err == nil {
		return nil
	}
	return &Problem{Code: CodeOf(err), Reason: ReasonOf(err), On: OnOf(err), Message: MessageOf(err)}
}

// Error makes a Problem usable as an error; errors.Is matches it by code.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Message }

// Unwrap gives the coded error behind the problem.
func (p *Problem) Unwrap() error {
	return &Error{Code: p.Code, Reason: p.Reason, On: p.On, Message: p.Message}
}
