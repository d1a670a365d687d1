package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/words"
)

// expvars is what HandleVars was given.
var expvars atomic.Pointer[func(yield func(name string, value func() string))]

// HandleVars gives the command vars its variables: each calls yield with every
// name and a function that returns the value. It is for package lazy/expvars,
// which is separate because expvar links net/http. It is safe for concurrent
// use; the last call counts.
func HandleVars(each func(yield func(name string, value func() string))) { expvars.Store(&each) }

var errNoVars = errors.New("expvar is not linked for lazy; import _ \"github.com/go-manhole/lazy/expvars\" in the program")

// vars runs apart, because an expvar.Func is the program's code.
func vars(_ context.Context, w io.Writer, arguments []string) error {
	if len(arguments) > 1 {
		return errors.New("takes one name; try vars cmdline")
	}
	each := expvars.Load()
	if each == nil {
		return errNoVars
	}
	if len(arguments) == 0 {
		(*each)(func(name string, value func() string) {
			text, err := valueOf(value)
			if err != nil {
				text = err.Error()
			}
			fmt.Fprintf(w, "%s: %s\n", format.Printable(name), text)
		})
		return nil
	}
	err := fmt.Errorf("no variable %s; vars lists them", words.Show(arguments[0]))
	(*each)(func(name string, value func() string) {
		if name != arguments[0] {
			return
		}
		var text string
		if text, err = valueOf(value); err == nil {
			_, err = fmt.Fprintln(w, text)
		}
	})
	return err
}

// valueOf returns a value, and a panic of its function as an error: the others are
// still wanted. How much the function allocates is not known.
func valueOf(value func() string) (text string, err error) {
	if err := afford("a variable", someNeed); err != nil {
		return "", err
	}
	end := contain(func() error { text = value(); return nil })
	if end.panicked {
		err = fmt.Errorf("panic: %s", format.OneLine(end.value))
	}
	return text, err
}
