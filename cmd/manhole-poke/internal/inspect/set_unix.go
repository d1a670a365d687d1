//go:build linux || darwin || freebsd

package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/values"
	"github.com/go-manhole/lazy/internal/words"
)

// set finds the variable in the copy, and has the session set it in the program.
func (i *Inspector) set(ctx context.Context, q question, w io.Writer, sink session.Sink) error {
	v, err := i.program.Scalar(ctx, q.variable)
	if err != nil {
		return err
	}
	value, err := canonical(v.Type, q.value)
	if errors.Is(err, errNoLiteral) {
		value, err = i.evaluate(ctx, v.Type, q.value)
	}
	if err != nil {
		return err
	}
	i.Release() // the session is wanted for the next
	failed, err := i.s.Do(words.Join("set", v.Name, "-at", fmt.Sprintf("%#x", v.Addr), "-type", v.Type, "-old", v.Old, "-new", value), session.Sink{Out: w, Note: sink.Note, Progress: sink.Progress})
	if err == nil && failed != "" {
		err = errors.New(failed)
	}
	return err
}

// evaluate takes a value that is an expression: 1<<20, slog.LevelDebug.
func (i *Inspector) evaluate(ctx context.Context, typ, text string) (string, error) {
	v, err := i.program.Eval(ctx, text, values.Place{}, values.Limits{String: 64})
	if err != nil {
		return "", fmt.Errorf("%s is not a value of type %s, nor an expression that gives one (%w)", words.Show(text), typ, err)
	}
	is := typ
	switch isDuration := v.Type == "time.Duration"; {
	case typ == "time.Duration" && !isDuration:
		return "", fmt.Errorf("%s has no unit; try %ss", words.Show(text), text)
	case isDuration:
		is = "int64"
	}
	value, err := canonical(is, fmt.Sprint(values.Of(v).Value))
	if errors.Is(err, errNoLiteral) {
		return "", fmt.Errorf("%s has the type %s and the variable has %s", words.Show(text), cmp.Or(v.Type, "untyped "+v.Kind.String()), typ)
	}
	return value, err
}

var errNoLiteral = errors.New("not a literal")

// canonical returns a value as strconv prints it, a duration in nanoseconds.
func canonical(typ, text string) (string, error) {
	var err error
	switch {
	case typ == "bool":
		if text == "true" || text == "false" {
			return text, nil
		}
		return "", errNoLiteral
	case typ == "time.Duration":
		if d, err := time.ParseDuration(text); err == nil {
			return strconv.FormatInt(int64(d), 10), nil
		}
		return "", errNoLiteral
	case strings.HasPrefix(typ, "int"):
		var n int64
		if n, err = strconv.ParseInt(text, 0, bits(typ, "int")); err == nil {
			return strconv.FormatInt(n, 10), nil
		}
	case strings.HasPrefix(typ, "uint"):
		var n uint64
		if n, err = strconv.ParseUint(text, 0, bits(typ, "uint")); err == nil {
			return strconv.FormatUint(n, 10), nil
		}
	case strings.HasPrefix(typ, "float"):
		var f float64
		size := bits(typ, "float")
		if f, err = strconv.ParseFloat(text, size); err == nil {
			return strconv.FormatFloat(f, 'g', -1, size), nil
		}
	default:
		return "", fmt.Errorf("no value of type %s can be set", typ)
	}
	if errors.Is(err, strconv.ErrRange) {
		return "", fmt.Errorf("%s does not fit into the type %s", words.Show(text), typ)
	}
	return "", errNoLiteral
}

// bits returns the size of a type in bits, 64 if its name does not say.
func bits(typ, prefix string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(typ, prefix))
	if err != nil {
		return 64 // and the session checks it
	}
	return n
}
