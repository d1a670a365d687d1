package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/console/internal/format"
	"golang.org/x/sys/unix"
)

// A Tail shows what the program writes, from Open until Close. It is not safe for
// concurrent use.
type Tail struct {
	cfg     Config
	sources []source
	last    source // the one that was shown last
	midLine bool   // what was shown does not end a line
	buf     [chunk]byte
}

// A source shows what is written to a stream, or to both.
type source interface {
	// name returns that of the stream, or of both.
	name() string
	// where returns where the stream leads, and how it is seen there.
	where() string
	// show shows what has come. more reports that there is more to show at
	// once; the last call leaves that out instead, but notes how much it is.
	show(ctx context.Context, t *Tail, last bool) (more bool, err error)
	close(t *Tail)
}

// Open begins to collect what is written to the streams. With "" as Which,
// streams that cannot be shown are only noted, unless no stream can.
func Open(c Config) (*Tail, error) {
	t := &Tail{cfg: c}
	if err := t.open(); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Tail) open() error {
	wanted := streams
	if t.cfg.Which == "stdout" || t.cfg.Which == "stderr" {
		wanted = slices.DeleteFunc(slices.Clone(streams), func(s stream) bool { return s.name != t.cfg.Which })
	}
	var refused []string
	for _, w := range wanted {
		if len(t.sources) > 0 && t.sources[0].name() == bothStreams {
			continue
		}
		src, err := t.openSource(w)
		switch {
		case err == nil:
			t.sources = append(t.sources, src)
		case t.cfg.Which == "":
			refused = append(refused, err.Error())
		default:
			return err
		}
	}
	if len(t.sources) == 0 {
		return errors.New(strings.Join(refused, "; "))
	}
	for _, why := range refused {
		t.note("not shown: %s", why)
	}
	t.join()
	if t.cfg.Announce {
		for _, src := range t.sources {
			t.note("%s: %s, from here on", src.name(), src.where())
		}
	}
	return nil
}

const bothStreams = "stdout and stderr"

// join makes one of two files that are the same.
func (t *Tail) join() {
	if len(t.sources) < 2 {
		return
	}
	f, ok := t.sources[0].(*fileTail)
	g, too := t.sources[1].(*fileTail)
	if ok && too && f.same(g) {
		f.stream = bothStreams
		g.close(t)
		t.sources = t.sources[:1]
	}
}

func (t *Tail) openSource(s stream) (source, error) {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return nil, fmt.Errorf("%s is closed", s.name)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG {
		return openFile(s.name, s.fd)
	}
	if err := s.checkOutput(&st); err != nil {
		return nil, err
	}
	src, err := divert(leadingTo(&st), t.cfg.Pause)
	if err != nil {
		return nil, fmt.Errorf("%s is %s and cannot be copied: %w; %s", s.name, destination(s.fd, &st), err, alternative(&st))
	}
	return src, nil
}

// Close stops. It returns the streams to where they led, waiting up to some
// seconds for writes that are under way.
func (t *Tail) Close() {
	for _, src := range t.sources {
		src.close(t)
	}
	t.sources = nil
}

// MidLine reports whether what was shown ends in the middle of a line.
func (t *Tail) MidLine() bool { return t.midLine }

// Show writes what has come to Out. more reports that there is more to show at
// once; the last call skips that, but notes how much it was. The error is why
// nothing more will come.
func (t *Tail) Show(ctx context.Context, last bool) (more bool, err error) {
	for _, src := range t.sources {
		again, err := src.show(ctx, t, last)
		if err != nil {
			t.note("%s: that was the last", src.name())
			return false, err
		}
		more = more || again
	}
	return more, nil
}

// write shows what the program wrote.
func (t *Tail) write(src source, b []byte) {
	if len(b) == 0 {
		return
	}
	if len(t.sources) > 1 && t.last != src {
		t.note("%s:", src.name())
	}
	t.last, t.midLine = src, b[len(b)-1] != '\n'
	t.cfg.Out.Write(b)
}

// missed notes how much is left out because it came too fast, or at the end.
func (t *Tail) missed(src source, lines, bytes uint64, atLeast string) {
	t.note("%s: %s%d lines (%s) are not shown, they came faster than you read", src.name(), atLeast, lines, format.ShortSize(bytes))
}

// note writes a note on a separate line.
func (t *Tail) note(text string, args ...any) {
	if t.midLine {
		t.cfg.Out.Write([]byte{'\n'})
		t.midLine = false
	}
	fmt.Fprintf(t.cfg.Out, "lazy: tail: "+text+"\n", args...)
}
