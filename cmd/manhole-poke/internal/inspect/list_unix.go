//go:build linux || darwin || freebsd

package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/listing"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/words"
)

// maxPacked bounds a profile that is held to be listed.
const maxPacked = 64 << 20

// patienceWithSource is how long all source files may take. A file system may
// never answer.
const patienceWithSource = 10 * time.Second

// A listed is a line with -list: the session takes the profile, and the source
// is shown here.
type listed struct {
	request *session.Request
	match   *regexp.Regexp
	name    string
	ctx     context.Context // of the listing
	cancel  context.CancelCauseFunc
}

// parseList takes -list REGEXP out of a line. ok says whether it was there.
func parseList(line string) (rest string, match *regexp.Regexp, ok bool, err error) {
	given, err := words.Split(line)
	if err != nil || len(given) == 0 || !strings.HasPrefix(given[0], "pprof") {
		return "", nil, false, nil // the console reports what is wrong
	}
	var kept []string
	pattern := ""
	for i := 0; i < len(given); i++ {
		option, value, inWord := strings.Cut(strings.Replace(given[i], "--", "-", 1), "=")
		switch {
		case option == "-list" && inWord:
			ok, pattern = true, value
		case option == "-list" && i+1 < len(given):
			i++
			ok, pattern = true, given[i]
		case option == "-list":
			ok = true
		default:
			if option == "-top" || option == "-tree" || option == "-peek" || option == "-focus" {
				err = fmt.Errorf("%s and -list are two ways to show a profile; choose one", option)
			}
			kept = append(kept, given[i])
		}
	}
	switch {
	case !ok:
		return "", nil, false, nil
	case err != nil:
		return "", nil, true, err
	case pattern == "":
		return "", nil, true, errors.New("-list needs the name of a function; try -list main.main, and -top for names")
	}
	if match, err = regexp.Compile(pattern); err != nil {
		return "", nil, true, fmt.Errorf("-list: %w", err)
	}
	return words.Join(kept...), match, true, nil
}

// startList starts a line with -list, or returns nil if it has none.
func (i *Inspector) startList(line string) Request {
	rest, match, ok, err := parseList(line)
	name, _ := nextWord(line)
	if c, _, known := i.s.Command([]string{name}); !ok || !known || !c.Binary {
		return nil
	}
	if err != nil {
		return refused(name + ": " + printable.Line(err.Error()))
	}
	i.Release()
	r := &listed{match: match, name: name, request: i.s.Start(rest)}
	r.ctx, r.cancel = context.WithCancelCause(i.context())
	return r
}

func (r *listed) Finish() { r.request.Finish() }

func (r *listed) Interrupt() {
	r.cancel(errInterrupted)
	r.request.Interrupt()
}

func (r *listed) Wait(sink session.Sink) (failed string, err error) {
	defer r.cancel(nil)
	held := &bounded{}
	answer := sink
	answer.Out = held
	failed, err = r.request.Wait(answer)
	switch {
	case held.full && err != nil:
		return "", exit.Errorf(exit.LocalIO, "output", "the profile is too large to be listed here; send it to a file and use go tool pprof -list")
	case err != nil || failed != "":
		return failed, err
	}
	var text bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- listing.Write(&text, held.Bytes(), r.match, listing.Local()) }()
	select {
	case err = <-ended:
	case <-r.ctx.Done():
		return r.name + ": " + context.Cause(r.ctx).Error(), nil
	case <-time.After(patienceWithSource):
		return r.name + ": the source files, which are where the profile says, cannot be read in time; send the profile to a file and use go tool pprof -list", nil
	}
	if err != nil {
		return r.name + ": " + printable.Line(err.Error()), nil
	}
	if _, err := io.WriteString(sink.Out, printable.Text(text.String())); err != nil {
		return "", exit.Errorf(exit.LocalIO, "output", "cannot write the answer: %v", err)
	}
	return "", nil
}

// bounded holds an answer.
type bounded struct {
	bytes.Buffer
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxPacked {
		b.full = true
		return 0, errors.New("too large")
	}
	return b.Buffer.Write(p)
}

// refused is a request that was not sent.
type refused string

func (r refused) Wait(session.Sink) (string, error) { return string(r), nil }
func (refused) Interrupt()                          {}
func (refused) Finish()                             {}
