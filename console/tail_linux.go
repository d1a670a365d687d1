package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tail shows what the program writes to its stdout and stderr where these are
// regular files, by reading the files. Nothing is redirected, so nothing can
// be lost, late, out of order or slowed down, whatever becomes of the session,
// the program or its children.
//
// Other destinations keep nothing that could be read afterwards, and tail
// refuses them rather than put a pipe in the way. Somebody would have to empty
// that pipe, and nobody in this process can be relied on to:
//
//   - what is in it when the program calls os.Exit, crashes or is killed would
//     be gone;
//   - children, and the program itself after execve, go on writing to it when
//     this process has ended, and would get SIGPIPE;
//   - a goroutine that empties it waits for seconds in a saturated process,
//     and so would the program, in write;
//   - taking it away again lets a write overtake what is still in it.
func tail(ctx context.Context, s *session, args []string) error {
	t := &tailing{s: s}
	defer t.close()
	if err := t.open(args); err != nil {
		return err
	}
	s.say("lazy: Enter ends it\n")
	for {
		more, err := t.look(false)
		if err != nil {
			return err
		}
		s.out.Flush()
		if err := ctx.Err(); err != nil {
			return err
		}
		// A script's input has usually ended before anything is shown.
		wait := lookAgain
		if more {
			wait = time.Millisecond
		}
		heard, err := s.lines.hear(wait, s.cfg.Person)
		if err != nil {
			return err
		}
		if heard {
			_, err := t.look(true)
			return err
		}
		if s.lines.ended() {
			s.pause()
		}
	}
}

const (
	// lookAgain is how long to wait before looking whether there is more.
	lookAgain = 10 * time.Millisecond
	// atOnce is how much is shown before looking whether the peer wants the end.
	atOnce = 64 << 10
	// behind is how much the peer may be late by before it loses lines.
	behind = 1 << 20
	// countMost is how much of what it loses is read to count the lines. Only
	// a file that somebody made longer without writing gets there.
	countMost = 64 << 20
)

// tailing is one run of tail.
type tailing struct {
	s       *session
	files   []*appended
	last    *appended // the one that was shown last
	midLine bool      // and not to the end of a line
	buf     [atOnce]byte
}

// open opens what the arguments ask for.
func (t *tailing) open(args []string) error {
	words, err := parse(args)
	if err != nil {
		return err
	}
	all := []struct {
		name string
		fd   int
	}{{"stdout", unix.Stdout}, {"stderr", unix.Stderr}}
	which := "any"
	if len(words) > 0 {
		which = words[0]
	}
	if len(words) > 1 || !slices.Contains([]string{"any", "both", "stdout", "stderr"}, which) {
		return fmt.Errorf("%s is not understood; try tail stderr, tail stdout or tail both", show(words[len(words)-1]))
	}
	var refused []string
	for _, stream := range all {
		if which != "any" && which != "both" && which != stream.name {
			continue
		}
		f, err := openAppended(stream.name, stream.fd)
		switch {
		case err == nil:
			t.files = append(t.files, f)
		case which == "any":
			refused = append(refused, err.Error())
		default:
			return err
		}
	}
	if len(t.files) == 0 {
		return errors.New(strings.Join(refused, "; "))
	}
	for _, why := range refused {
		t.say("not shown: %s", why)
	}
	if len(t.files) == 2 && t.files[0].same(t.files[1]) {
		t.files[0].name = "stdout and stderr"
		t.files[1].close()
		t.files = t.files[:1]
	}
	if t.s.cfg.Person {
		for _, f := range t.files {
			t.say("%s: %s, from here on", f.name, f.path())
		}
	}
	return nil
}

func (t *tailing) close() {
	for _, f := range t.files {
		f.close()
	}
}

// look shows what has come. more says that there is more to show at once; the
// last look leaves that out instead.
func (t *tailing) look(last bool) (more bool, err error) {
	for _, f := range t.files {
		to, elsewhere := f.end()
		if to < f.from {
			t.say("%s: the file was cut, from its beginning", f.name)
			f.from = 0
		}
		if late := to - f.from; late > behind || last && late > atOnce {
			if err := t.skip(f, to); err != nil {
				return false, err
			}
		}
		n, err := f.read(t.buf[:min(atOnce, to-f.from)])
		if err != nil {
			return false, err
		}
		t.show(f, t.buf[:n])
		switch {
		case n > 0 && f.from < to:
			more = true
		case elsewhere != nil:
			t.say("%s: that was the last", f.name)
			return false, elsewhere
		}
	}
	if last && t.midLine && t.s.cfg.Person {
		t.s.out.WriteByte('\n')
	}
	return more, nil
}

// skip leaves out what the peer is too slow for, but for the last lines before
// to, and says how much that is.
func (t *tailing) skip(f *appended, to int64) error {
	start, lines, atLeast := f.from, 0, ""
	for left := to - atOnce - f.from; left > 0; left = to - atOnce - f.from {
		if f.from-start >= countMost {
			f.from, atLeast = to-atOnce, "at least "
			break
		}
		n, err := f.read(t.buf[:min(atOnce, left)])
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // cut meanwhile
		}
		lines += bytes.Count(t.buf[:n], []byte{'\n'})
		if t.s.peer.ctx.Err() != nil {
			return nil
		}
	}
	// What is shown next begins a line.
	n, err := f.read(t.buf[:min(atOnce, to-f.from)])
	if err != nil {
		return err
	}
	f.from -= int64(n)
	if i := bytes.IndexByte(t.buf[:n], '\n'); i >= 0 {
		f.from += int64(i) + 1
		lines++
	}
	t.say("%s: %s%d lines (%s) are not shown, they came faster than you read", f.name, atLeast, lines, short(uint64(f.from-start)))
	return nil
}

// show passes on what the program wrote.
func (t *tailing) show(f *appended, b []byte) {
	if len(b) == 0 {
		return
	}
	if len(t.files) > 1 && t.last != f {
		t.say("%s:", f.name)
	}
	t.last, t.midLine = f, b[len(b)-1] != '\n'
	t.s.out.Write(b)
}

// say says something on a line of its own, to a script as well.
func (t *tailing) say(format string, args ...any) {
	if t.midLine {
		t.s.out.WriteByte('\n')
		t.midLine = false
	}
	fmt.Fprintf(t.s.out, "lazy: tail: "+format+"\n", args...)
}
