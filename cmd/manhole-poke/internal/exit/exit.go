// Package exit defines the exit statuses of manhole-poke and the errors that
// carry them.
//
// A [Status] is what a script acts on; there are few. A reason is one word in
// kebab-case for the precise cause, which --json prints. Both are part of what
// scripts rely on: a number or a reason never gets another meaning.
package exit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

// A Status is an exit status.
type Status int

// The statuses. [Table] says what each means.
const (
	OK          Status = 0
	Command     Status = 1
	Usage       Status = 2
	NotFound    Status = 3
	NotArmed    Status = 4
	Denied      Status = 5
	Busy        Status = 6
	Timeout     Status = 7
	Broken      Status = 8
	Partial     Status = 9
	LocalIO     Status = 10
	Unsupported Status = 11
	Signalled   Status = 128 // plus the number of the signal
)

// An Error is an error with the exit status and the reason for it. Its text is
// one line: what is wrong; what to do.
type Error struct {
	Status Status
	Reason string
	View   string // what could be found out all the same, to be printed first; often ""
	text   string
}

func (e *Error) Error() string { return e.text }

// Errorf returns an [Error]. The reason must be one that [Table] lists for the
// status. The arguments may hold what another process calls itself or says:
// whatever could move the cursor or start a second line is replaced.
func Errorf(s Status, reason, format string, args ...any) error {
	return &Error{Status: s, Reason: reason, text: printable.Line(fmt.Sprintf(format, args...))}
}

// StatusOf returns the status of err: OK for nil, and LocalIO for an error
// without one.
func StatusOf(err error) Status {
	if err == nil {
		return OK
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Status
	}
	return LocalIO
}

// ReasonOf returns the reason of err: "" for nil, and "local-io" for an error
// without one.
func ReasonOf(err error) string {
	if err == nil {
		return ""
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return "local-io"
}

// WithView returns err with a view, if it is an [Error].
func WithView(err error, view string) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		copied := *e
		copied.View = view
		return &copied
	}
	return err
}

// Advise returns err with other advice than its own, which follows the first
// semicolon, if it is an [Error].
func Advise(err error, advice string) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		copied := *e
		wrong, _, _ := strings.Cut(e.text, "; ")
		copied.text = printable.Line(wrong + "; " + advice)
		return &copied
	}
	return err
}

// ViewOf returns the view of err, or "".
func ViewOf(err error) string {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.View
	}
	return ""
}
