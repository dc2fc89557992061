package fault

import (
	"context"
	"errors"
	"fmt"
)

// Error is an error with a code, a sentence for a person and a way out.
type Error struct {
	Code    Code
	Message string
	Hint    string
	Cause   error
}

// New builds an error from its code, the message and what to do about it.
func New(code Code, message, hint string) *Error {
	return &Error{Code: code, Message: message, Hint: hint}
}

// Newf is New with a formatted message.
func Newf(code Code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Wrap builds an error around its cause. The cause's text is not repeated in
// the message: it goes to the log, where secrets have been kept out by type.
func Wrap(cause error, code Code, message, hint string) *Error {
	return &Error{Code: code, Message: message, Hint: hint, Cause: cause}
}

// Wrapf is Wrap with a formatted message.
func Wrapf(cause error, code Code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, Cause: cause}
}

// Error returns the message alone; the hint is a matter of presentation.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is a fault of the same code, so that
// errors.Is(err, fault.New(fault.Refused, "", "")) asks about the code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == ""
}

// As returns the outermost fault of err, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// CodeOf returns the code of err: its own, Cancelled for an ended context, or
// Internal for an error that nobody described.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e := As(err); e != nil {
		return e.Code
	}
	if errors.Is(err, context.Canceled) {
		return Cancelled
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return TimedOut
	}
	return Internal
}

// HintOf returns what to do about err, or an empty string.
func HintOf(err error) string {
	if e := As(err); e != nil {
		return e.Hint
	}
	return ""
}

// Exit returns the exit status that the command line gives for err: 0 done,
// 1 failed, 2 usage, 3 refused, 4 differences or tampering, 5 unreachable.
func Exit(err error) int {
	if err == nil {
		return 0
	}
	if info, ok := codes[CodeOf(err)]; ok {
		return info.Exit
	}
	return 1
}

// Refused reports whether err is a refusal by a check, a policy or a flag. What is
// safe after it says Safe.
func Refused(err error) bool { return err != nil && Exit(err) == 3 }

// NothingChanged reports whether the code of err promises that nothing was
// changed. False is no promise of the contrary.
func NothingChanged(err error) bool { return codes[CodeOf(err)].Before }

// Unreachable reports whether err says that a database could not be reached.
func Unreachable(err error) bool { return err != nil && Exit(err) == 5 }

// Retryable reports whether the same call may succeed when made again without
// anything being changed by a person.
func Retryable(err error) bool {
	info, ok := codes[CodeOf(err)]
	return ok && info.Retry
}
