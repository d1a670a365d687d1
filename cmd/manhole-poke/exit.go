package main

import (
	"errors"
	"fmt"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

// A status is an exit status. The numbers are part of what scripts rely on:
// new ones are added at the end, none is ever given another meaning.
type status int

const (
	statusOK          status = 0
	statusCommand     status = 1
	statusUsage       status = 2
	statusNoProcess   status = 3
	statusPermission  status = 4
	statusUncaught    status = 5
	statusUnarmed     status = 6
	statusOtherSignal status = 7
	statusStopped     status = 8
	statusZombie      status = 9
	statusTimeout     status = 10
	statusNobody      status = 11
	statusImpostor    status = 12
	statusRefused     status = 13
	statusBusy        status = 14
	statusBroken      status = 15
	statusExited      status = 16
	statusUnlooked    status = 17
	statusUnsupported status = 18
	statusHere        status = 19
	statusNotGo       status = 20
	statusWithoutLazy status = 21
	statusAmbiguous   status = 22
	statusSome        status = 23
	statusAgent       status = 24
	statusOtherPath   status = 25
	statusInterrupted status = 128 // and the number of the signal
)

// statuses is what help and the package comment say about them.
var statuses = []struct {
	status  status
	meaning string
}{
	{statusOK, "all went well"},
	{statusCommand, "a command of the script failed; its answer says why"},
	{statusUsage, "the command line is wrong"},
	{statusNoProcess, "no such process"},
	{statusPermission, "the process or its socket belongs to somebody else"},
	{statusUncaught, "the process does not catch the signal: it would die of it, or never notice"},
	{statusUnarmed, "nothing about the process says that it is armed"},
	{statusOtherSignal, "the process is armed, but not for the signal given"},
	{statusStopped, "the process is stopped, traced or frozen"},
	{statusZombie, "the process is a zombie"},
	{statusTimeout, "the process was rung or connected to, but did not answer in time"},
	{statusNobody, "nobody listens at the path given"},
	{statusImpostor, "somebody other than the process listens at its path"},
	{statusRefused, "the process refused the peer"},
	{statusBusy, "somebody else holds the session"},
	{statusBroken, "the session ended before it was done"},
	{statusExited, "the process exited meanwhile"},
	{statusUnlooked, "the process or its root cannot be looked at, so it was not rung"},
	{statusUnsupported, "this system, or this namespace, has no way to do it"},
	{statusHere, "something failed on this side: standard input or output, or the demo"},
	{statusNotGo, "the process is not a Go program"},
	{statusWithoutLazy, "the process is a Go program that lazy is not linked into"},
	{statusAmbiguous, "several processes have the name given"},
	{statusSome, "of several processes some did not answer, and the others did"},
	{statusAgent, "gops has an agent of the process to talk to already"},
	{statusOtherPath, "the process is armed, but not for the path given"},
	{statusInterrupted, "plus N: ended by signal N, as Ctrl-C does (130)"},
}

// A failure is an error with the exit status that it deserves. Its text is
// one line: what is wrong, and what to try.
type failure struct {
	status status
	text   string
	view   string // what could be found out all the same, to be shown before
}

func (f *failure) Error() string { return f.text }

// failf's arguments may hold what another process chose to call itself or to
// say, so whatever could move the cursor or start a second line is replaced.
func failf(s status, format string, args ...any) error {
	return &failure{status: s, text: printable.Line(fmt.Sprintf(format, args...))}
}

// withoutView is for answers that are for programs, or beside others.
func withoutView(err error) error {
	if f := (*failure)(nil); errors.As(err, &f) && f.view != "" {
		return &failure{status: f.status, text: f.text}
	}
	return err
}
