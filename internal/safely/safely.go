// Package safely calls code of the program, which may do anything: panic, call
// runtime.Goexit, block.
package safely

import (
	"errors"
	"fmt"
	"time"
)

// A Failure is the error of [Call] for a function that did not return.
type Failure struct{ reason string }

func (f *Failure) Error() string { return f.reason }

// Call runs f in a new goroutine and waits at most limit for it. If f panics,
// calls runtime.Goexit or does not return in time, Call returns a [*Failure]; in
// the last case the goroutine stays until f returns. Otherwise it returns nil or
// an error with the text of f's error, not that error itself, whose methods are
// the program's code too.
func Call(limit time.Duration, f func() error) error {
	ended := make(chan error, 1)
	go func() {
		var err error = &Failure{"it called runtime.Goexit"}
		defer func() { ended <- err }()
		defer func() {
			if v := recover(); v != nil {
				err = &Failure{fmt.Sprintf("it panicked: %v", v)}
			}
		}()
		if failed := f(); failed != nil {
			err = errors.New(failed.Error())
		} else {
			err = nil
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(limit):
		return &Failure{fmt.Sprintf("it did not return within %v", limit)}
	}
}
