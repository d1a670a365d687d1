package main

import (
	"io"
	"os"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"golang.org/x/term"
)

// streams are the standard streams, handed in so that tests can give others.
type streams struct{ stdin, stdout, stderr *os.File }

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// width returns the columns of the terminal that standard output is, or 0 if
// it is none.
func (s streams) width() int {
	columns, _, err := term.GetSize(int(s.stdout.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// print writes to standard output and reports failure, as of a full disk. A
// closed standard output is none: the runtime opens /dev/null in its place
// before main (checkfds in runtime/fds_unix.go), as a caller may have done that
// wants no answer.
func (s streams) print(text string) error {
	if _, err := io.WriteString(s.stdout, text); err != nil {
		return exit.Errorf(exit.LocalIO, "output", "cannot write to standard output: %v", err)
	}
	return nil
}
