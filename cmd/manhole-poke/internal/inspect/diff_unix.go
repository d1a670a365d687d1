//go:build linux || darwin || freebsd

package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/words"
	"github.com/go-manhole/lazy/stackdump"
)

// diffFile returns the file that a line of stack diff compares with, "" if the
// line is another or compares with what the session knows. A file whose name
// looks like a duration is ./10s.
func diffFile(line string) string {
	name, rest := nextWord(line)
	if name != "stack" || !strings.Contains(rest, "diff") {
		return ""
	}
	l, err := parseStackLine(line)
	if err != nil {
		return "" // the session says what is wrong
	}
	diff, file := false, ""
	for _, w := range l.words {
		_, err := time.ParseDuration(w)
		_, bad := strconv.ParseFloat(w, 64)
		switch {
		case w == "full" || w == "diff":
			diff = diff || w == "diff"
		case file != "" || !diff || w == "json" || w == "raw" || err == nil || bad == nil:
			return ""
		default:
			file = w
		}
	}
	return file
}

// diff compares the stacks of a file with those of now.
func (i *Inspector) diff(ctx context.Context, line string, w io.Writer, sink session.Sink) error {
	if i.o.JSON {
		return errors.New("stack diff has no JSON form; compare two of stack json")
	}
	l, err := parseStackLine(line)
	if err != nil {
		return err
	}
	file := diffFile(line)
	before, err := readDump(file)
	if err != nil {
		return err
	}
	send := []string{"stack", "json"}
	for _, word := range l.words {
		if word == "full" {
			send = append(send, word)
		}
	}
	if l.force {
		send = append(send, "-force")
	}
	if l.filter.System {
		send = append(send, "-system")
	}
	after, err := i.stacks(ctx, words.Join(send...), sink)
	if err != nil {
		return err
	}
	if (l.filter.MinWait != 0 || len(l.filter.ID) > 0) && !(before.Full && after.Full) {
		return errors.New("ids and waits are only in full captures; try stack full json, then and now")
	}
	if before.Filtered > 0 && sink.Note != nil {
		sink.Note(fmt.Sprintf("%s lacks %d of %d goroutines, which a filter left out then", printable.Line(file), before.Filtered, before.Total))
	}
	// Those that a filter takes out count as New and Gone otherwise.
	o := stackdump.RenderOptions{Groups: l.groups, Full: "stack full diff FILE"}
	return stackdump.Diff(before.Filter(l.filter), after.Filter(l.filter)).Render(w, o)
}

// readDump reads a file that stack json wrote.
func readDump(name string) (*stackdump.Dump, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w; it takes a duration, or a file that stack json wrote", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", words.Show(name))
	}
	d, err := stackdump.ReadJSON(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; keep one with: stack json > FILE", words.Show(name), err)
	}
	return d, nil
}

// stacks has the session take a dump.
func (i *Inspector) stacks(ctx context.Context, line string, sink session.Sink) (*stackdump.Dump, error) {
	r, w := io.Pipe()
	type read struct {
		d   *stackdump.Dump
		err error
	}
	ended := make(chan read, 1)
	go func() {
		d, err := stackdump.ReadJSON(r)
		io.Copy(io.Discard, r) // of a session that answers with something else
		ended <- read{d, err}
	}()
	request := i.s.Start(line)
	stop := context.AfterFunc(ctx, request.Interrupt)
	failed, err := request.Wait(session.Sink{Out: w, Note: sink.Note, Progress: sink.Progress})
	stop()
	w.CloseWithError(err)
	got := <-ended
	switch {
	case err != nil:
		return nil, err
	case failed != "":
		return nil, errors.New(strings.TrimPrefix(failed, "stack: "))
	case got.err != nil:
		return nil, fmt.Errorf("the answer of the process was not understood: %w", got.err)
	}
	return got.d, nil
}
