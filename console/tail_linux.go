package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/format"
	lazywords "github.com/go-manhole/lazy/internal/words"
	"golang.org/x/sys/unix"
)

// tail shows what the program writes to its stdout and stderr. Where that goes
// to regular files these are read, and nothing is put in the way. Other
// destinations keep nothing that could be read afterwards: there a pipe takes
// the descriptor's place, and a process of its own passes on what comes.
func tailOutput(ctx context.Context, s *session, a *args.Parsed) error {
	t := &tailing{s: s}
	defer t.close()
	if err := t.open(a.Words); err != nil {
		return err
	}
	s.say("lazy: Enter ends it\n")
	enough := s.enough(s.person)
	for {
		more, err := t.look(false)
		if err != nil {
			return err
		}
		s.out.Flush()
		if err := ctx.Err(); err != nil {
			return err
		}
		wait := lookAgain
		if more {
			wait = time.Millisecond
		}
		if s.waitFor(enough, wait) {
			_, err := t.look(true)
			if t.midLine && s.person {
				s.out.WriteByte('\n')
			}
			return err
		}
	}
}

const (
	// lookAgain is how long to wait before looking whether there is more.
	lookAgain = 10 * time.Millisecond
	// atOnce is how much is shown before looking whether the peer wants the end.
	atOnce = 64 << 10
)

// A stream is one of the two that a program writes to by convention.
type stream struct {
	name string
	fd   int
	// file is what nearly all of a Go program writes to it through. The
	// variables of package os may be assigned to at any time, but here they
	// are those that package log has as well.
	file *os.File
}

var streams = []stream{{"stdout", unix.Stdout, os.Stdout}, {"stderr", unix.Stderr, os.Stderr}}

// A source is where what is written to a stream can be seen.
type source interface {
	// name is that of the stream, or of both.
	name() string
	// where says where the stream leads, and by whom it is seen there.
	where() string
	// look shows what has come. more says that there is more to show at once;
	// the last look leaves that out instead, but says how much it is.
	look(t *tailing, last bool) (more bool, err error)
	close(t *tailing)
}

// tailing is one run of tail.
type tailing struct {
	s       *session
	sources []source
	last    source // the one that was shown last
	midLine bool   // and not to the end of a line
	buf     [atOnce]byte
}

// open opens what the arguments ask for.
func (t *tailing) open(words []string) error {
	which := "any"
	if len(words) > 0 {
		which = words[0]
	}
	if len(words) > 1 || !slices.Contains([]string{"any", "both", "stdout", "stderr"}, which) {
		return fmt.Errorf("%s is not understood; try tail stderr, tail stdout or tail both", lazywords.Show(words[len(words)-1]))
	}
	wanted := streams
	if which == "stdout" || which == "stderr" {
		wanted = slices.DeleteFunc(slices.Clone(streams), func(s stream) bool { return s.name != which })
	}
	var refused []string
	for _, w := range wanted {
		if len(t.sources) > 0 && t.sources[0].name() == bothStreams {
			continue
		}
		src, err := openSource(t.s, w)
		switch {
		case err == nil:
			t.sources = append(t.sources, src)
		case which == "any":
			refused = append(refused, err.Error())
		default:
			return err
		}
	}
	if len(t.sources) == 0 {
		return errors.New(strings.Join(refused, "; "))
	}
	for _, why := range refused {
		t.say("not shown: %s", why)
	}
	t.join()
	if t.s.person {
		for _, src := range t.sources {
			t.say("%s: %s, from here on", src.name(), src.where())
		}
	}
	return nil
}

const bothStreams = "stdout and stderr"

// join makes one of two files that are the same.
func (t *tailing) join() {
	if len(t.sources) < 2 {
		return
	}
	f, ok := t.sources[0].(*appended)
	g, too := t.sources[1].(*appended)
	if ok && too && f.same(g) {
		f.stream = bothStreams
		g.close(t)
		t.sources = t.sources[:1]
	}
}

func openSource(s *session, from stream) (source, error) {
	var st unix.Stat_t
	if err := unix.Fstat(from.fd, &st); err != nil {
		return nil, fmt.Errorf("%s is closed", from.name)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG {
		return openAppended(from.name, from.fd)
	}
	if err := from.isOutput(&st); err != nil {
		return nil, err
	}
	d, err := divert(s, leadingTo(&st))
	if err != nil {
		return nil, fmt.Errorf("%s is %s and can't be copied: %w; %s", from.name, destination(from.fd, &st), err, lookElsewhere(&st))
	}
	return d, nil
}

// isOutput is an error where the descriptor has become something else, as the
// kernel gives the number of one that was closed to whatever is opened next,
// or keeps the boundaries of messages.
func (s stream) isOutput(st *unix.Stat_t) error {
	c, err := s.file.SyscallConn()
	if err == nil {
		err = c.Control(func(uintptr) {})
	}
	if err != nil {
		return fmt.Errorf("%s was closed by the program, and descriptor %d is %s now", s.name, s.fd, link(s.fd))
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFCHR:
		return nil
	case unix.S_IFSOCK:
		kind, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TYPE)
		listens, _ := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err == nil && kind == unix.SOCK_STREAM && listens == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s is %s, of which what is written can't be copied; %s", s.name, destination(s.fd, st), lookElsewhere(st))
}

// leadingTo returns the streams that end in the same place. What is written to
// them would change its order if only one of them were diverted.
func leadingTo(place *unix.Stat_t) (same []stream) {
	for _, s := range streams {
		var st unix.Stat_t
		if unix.Fstat(s.fd, &st) == nil && st.Dev == place.Dev && st.Ino == place.Ino && s.isOutput(&st) == nil {
			same = append(same, s)
		}
	}
	return same
}

func (t *tailing) close() {
	for _, src := range t.sources {
		src.close(t)
	}
}

// look shows what has come to any of the sources.
func (t *tailing) look(last bool) (more bool, err error) {
	for _, src := range t.sources {
		again, err := src.look(t, last)
		if err != nil {
			t.say("%s: that was the last", src.name())
			return false, err
		}
		more = more || again
	}
	return more, nil
}

// show passes on what the program wrote.
func (t *tailing) show(src source, b []byte) {
	if len(b) == 0 {
		return
	}
	if len(t.sources) > 1 && t.last != src {
		t.say("%s:", src.name())
	}
	t.last, t.midLine = src, b[len(b)-1] != '\n'
	t.s.out.Write(b)
}

// missed says that the peer was too slow, or ended tail, for so much.
func (t *tailing) missed(src source, lines, bytes uint64, atLeast string) {
	t.say("%s: %s%d lines (%s) are not shown, they came faster than you read", src.name(), atLeast, lines, format.ShortSize(bytes))
}

// say says something on a line of its own, to a script as well.
func (t *tailing) say(format string, args ...any) {
	if t.midLine {
		t.s.out.WriteByte('\n')
		t.midLine = false
	}
	fmt.Fprintf(t.s.out, "lazy: tail: "+format+"\n", args...)
}
