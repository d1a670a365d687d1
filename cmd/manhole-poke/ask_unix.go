//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// ask runs the lines in each target and shows the answers. Without lines it
// holds a session with the only one, and of several what they are asked is a
// script on standard input.
func ask(o options, targets, lines []string) error {
	if o.signal != "" {
		if _, err := parseSignal(o.signal); err != nil {
			return err
		}
	}
	ctx, stop := untilSignalled()
	defer stop()
	if o.out == "" {
		ctx = whileRead(ctx)
	}
	err := askUntil(ctx, o, targets, lines)
	if errors.Is(err, errUnread) {
		return brokenPipe()
	}
	return err
}

func askUntil(ctx context.Context, o options, targets, lines []string) error {
	doors, err := doorsOf(o, targets)
	if err != nil {
		return err
	}
	if lines == nil {
		if len(doors) == 1 {
			return doors[0].poke(ctx, o)
		}
		if lines, err = scriptLines(ctx, targets); err != nil {
			return err
		}
	}
	if o.out != "" && len(lines) > 1 {
		return failf(statusUsage, "-o takes the answer of one command, not of %d; try one at a time", len(lines))
	}
	if len(doors) == 1 && !o.all && !o.json {
		return askOne(ctx, o, doors[0], lines)
	}
	return askMany(ctx, o, doors, lines)
}

// doorsOf are the doors of the targets, one for each process.
func doorsOf(o options, targets []string) (doors []door, err error) {
	if o.all {
		pids, err := everyArmed()
		if err == nil && len(pids) == 0 {
			err = failf(statusNoProcess, "no process is armed that you may ring; manhole-poke alone lists what there is")
		}
		for _, pid := range pids {
			doors = append(doors, door{pid: pid})
		}
		return doors, err
	}
	for _, t := range targets {
		d, err := doorOf(o, t)
		if err != nil {
			return nil, err
		}
		switch i := slices.IndexFunc(doors, d.same); {
		case i < 0:
			doors = append(doors, d)
		case doors[i].pid == 0:
			doors[i] = d // by a PID it is surely rung
		}
	}
	return doors, nil
}

func scriptLines(ctx context.Context, targets []string) (lines []string, err error) {
	in, err := standardInput(ctx)
	if err != nil {
		return nil, err
	}
	if in.terminal {
		return nil, failf(statusUsage, "several processes can't be talked to at once; give a command: manhole-poke %s stats", strings.Join(targets, " "))
	}
	if in.report() {
		return []string{"stats", "stack"}, nil
	}
	text := in.first
	if in.rest != nil {
		const most = 1 << 20 // each process gets all of it
		rest, err := unlessLeft(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in.rest, most+1)) })
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, failf(statusHere, "cannot read the script: %v; try -c", err)
		case len(rest) > most:
			return nil, failf(statusUsage, "the script is longer than %d bytes; send it to one process at a time", most)
		}
		text = append(text, rest...)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// askOne shows the answers as they come.
func askOne(ctx context.Context, o options, d door, lines []string) error {
	var file *answerFile
	if o.out != "" {
		var err error
		if file, err = newAnswerFile(ctx, o.out, o.force); err != nil {
			return err
		}
		defer file.discard()
	}
	watched := term.IsTerminal(int(os.Stderr.Fd()))
	var wants []string
	if watched {
		wants = append(wants, frame.WantsProgress)
	}
	c, err := d.open(ctx, o, wants...)
	if err != nil {
		return err
	}
	defer c.close()
	var left atomic.Bool // the pager, before all was said
	out, shown := paged(ctx, o, lines, func() { left.Store(true); c.interrupt() })
	defer shown()
	s := sink{out: out}
	switch {
	case file != nil:
		s.out = file
	case out == os.Stdout && term.IsTerminal(int(os.Stdout.Fd())):
		v := printable.NewWriter(out)
		defer v.Close()
		s.out = v
	}
	if watched {
		listen := sync.OnceFunc(func() {
			if out == os.Stdout { // else the pager has the keys
				go finishOnEnter(ctx, c, typed())
			}
		})
		progress := newProgress(os.Stderr)
		// One of these comes first from whatever Enter ends.
		s.note = func(text string) {
			listen()
			fmt.Fprintln(os.Stderr, printable.Line(text))
		}
		s.progress = func(a frame.Advance) {
			listen()
			progress(a)
		}
	}
	var failures []string
	for _, line := range lines {
		if file == nil && c.binary(line) && term.IsTerminal(int(os.Stdout.Fd())) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			return failf(statusUsage, "the answer to %q is binary, not for a terminal; try manhole-poke -o %s.out %s %s", name, name, d, line)
		}
		failed, err := c.do(line, s)
		if err != nil {
			return err
		}
		if left.Load() {
			break
		}
		if failed != "" {
			failures = append(failures, failed)
			if len(lines) > 1 {
				fmt.Fprintf(os.Stderr, "manhole-poke: %s\n", failed)
			}
		}
	}
	c.leave()
	switch {
	case len(failures) > 0 && len(lines) == 1:
		return failf(statusCommand, "%s", failures[0])
	case len(failures) > 0:
		return failf(statusCommand, "%d of %d commands failed", len(failures), len(lines))
	case file != nil:
		if err := file.keep(); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "manhole-poke: %s%s\n", file, opens(lines[0], o.out))
	}
	return nil
}

// paged is where answers are shown: in the pager if that was asked for, there
// is a terminal, and they are longer than it is high. left is called when it
// exits, and shown returns when all is shown.
func paged(ctx context.Context, o options, lines []string, left func()) (out io.Writer, shown func()) {
	if !o.pager || o.out != "" || !term.IsTerminal(int(os.Stdout.Fd())) || slices.ContainsFunc(lines, endless) {
		return os.Stdout, func() {}
	}
	var h *helper
	var v *printable.Writer // as not every pager shows what would drive the terminal: more does not
	l := &longAnswer{start: func() (w io.Writer, err error) {
		if h, err = startHelper(pagerCommand(), left); err != nil {
			return nil, err
		}
		v = printable.NewWriter(h)
		return v, nil
	}}
	return l, func() {
		if h == nil {
			io.WriteString(os.Stdout, printable.Text(l.held.String()))
			return
		}
		v.Close()
		h.end(ctx)
	}
}

// inForeground reports whether f is a terminal that this process may read: one
// in the background would be stopped for it (SIGTTIN).
func inForeground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// finishOnEnter ends early what takes its time, as in the console: on Enter
// alone, typed after what was typed already. All else, before or meanwhile, is
// for the shell, to which it could not be given back; so it is not read but
// counted.
func finishOnEnter(ctx context.Context, c *client, before int) {
	for wait(ctx, 20*time.Millisecond) == nil {
		now := typed()
		if now == before+1 && inForeground(os.Stdin) {
			c.finish()
			if before == 0 { // else it is one empty line more to the shell
				os.Stdin.Read(make([]byte, 1))
				now = 0
			}
		}
		before = now
	}
}

// typed is how much of what was typed nobody has read, in whole lines.
func typed() int {
	n, err := unix.IoctlGetInt(int(os.Stdin.Fd()), fionread)
	if err != nil {
		return 0
	}
	return n
}

// binary says whether the answer to a line is not for a terminal.
func (c *client) binary(line string) bool {
	words := strings.Fields(line)
	known, ok := c.command(words)
	if !ok || !known.Binary || slices.Contains(words, "-top") || slices.Contains(words, "--top") {
		return false
	}
	return known.Name != "pprof" || len(words) > 1 // alone it is a list
}

// opens is how to look at a file with the answer to a line.
func opens(line, file string) string {
	if tool := opener(line); tool != "" {
		return "; look at it with " + tool + " " + file
	}
	return ""
}

// opener is what shows the answer to a line, or "".
func opener(line string) string {
	switch words := strings.Fields(line); {
	case slices.Contains(words, "-top"):
		return ""
	case strings.HasPrefix(words[0], "pprof"):
		return "go tool pprof"
	case words[0] == "trace":
		return "go tool trace"
	}
	return ""
}

// A reply is what one process answered.
type reply struct {
	door    door
	name    string // of the process, as it calls itself
	answers []answered
	err     error // why there are no more of them
}

type answered struct {
	line   string
	text   []byte
	failed string
}

// askMany asks all at once, so that what takes its time is taken at the same
// time everywhere, and shows the answers side by side.
func askMany(ctx context.Context, o options, doors []door, lines []string) error {
	var files []*answerFile
	if o.out != "" {
		for _, d := range doors {
			f, err := newAnswerFile(ctx, fileFor(o.out, d, len(doors) > 1), o.force)
			if err != nil {
				return err
			}
			defer f.discard()
			files = append(files, f)
		}
	}
	ways := make([]way, len(lines))
	for i, line := range lines {
		ways[i] = wayFor(o, line)
	}
	replies := make([]reply, len(doors))
	var all sync.WaitGroup
	atOnce := make(chan struct{}, 256) // descriptors are not for nothing
	for i, d := range doors {
		all.Go(func() {
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			var out io.Writer
			if files != nil {
				out = files[i]
			}
			replies[i] = inquire(ctx, o, d, ways, out)
			replies[i].err = withoutView(replies[i].err)
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	out, shown := paged(ctx, o, lines, func() {})
	if out == os.Stdout && term.IsTerminal(int(os.Stdout.Fd())) {
		out = printable.NewWriter(out)
	}
	w := bufio.NewWriter(out)
	err := show(w, o, ways, replies)
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	shown()
	if err != nil {
		return failf(statusHere, "cannot write the answers: %v", err)
	}
	var kept []string
	for i, f := range files {
		r := &replies[i]
		if r.err != nil {
			continue
		}
		if why := r.answers[0].failed; why != "" { // which is shown nowhere else
			fmt.Fprintf(os.Stderr, "manhole-poke: %s: %s\n", r.title(), why)
			continue
		}
		if r.err = f.keep(); r.err == nil {
			kept = append(kept, f.name)
			fmt.Fprintf(os.Stderr, "manhole-poke: %s%s\n", f, opens(lines[0], f.name))
		}
	}
	if tool := opener(lines[0]); tool == "go tool pprof" && len(kept) > 1 {
		fmt.Fprintf(os.Stderr, "manhole-poke: look at them merged with %s %s\n", tool, strings.Join(kept, " "))
	}
	return outcome(replies)
}

// inquire asks one process. What goes to out is not kept.
func inquire(ctx context.Context, o options, d door, ways []way, out io.Writer) (r reply) {
	r.door = d
	if d.pid != 0 {
		r.name = nameOf(d.pid) // now, as it may exit meanwhile
	}
	c, err := d.open(ctx, o)
	if err != nil {
		r.err = err
		return r
	}
	defer c.close()
	r.door.pid, r.name = c.p.pid, c.p.name
	for _, w := range ways {
		a := answered{line: w.line}
		if out == nil && c.binary(w.line) {
			a.failed = "the answer is binary; try -o FILE, which makes one for each process"
			r.answers = append(r.answers, a)
			continue
		}
		var kept keeper
		s := sink{out: &kept}
		if out != nil {
			s.out = out
		}
		a.failed, r.err = c.do(w.sent, s)
		a.text = kept.b
		if r.err != nil {
			return r
		}
		r.answers = append(r.answers, a)
	}
	c.leave()
	return r
}

// keeper keeps an answer until the others are there, within reason.
type keeper struct{ b []byte }

const keptMost = 256 << 20

func (k *keeper) Write(p []byte) (int, error) {
	if len(k.b)+len(p) > keptMost {
		return 0, fmt.Errorf("it is longer than %d bytes, too long to be shown beside others; ask this process alone", keptMost)
	}
	k.b = append(k.b, p...)
	return len(p), nil
}

// outcome is the exit status that the replies together deserve. Each failure
// is a line of its own.
func outcome(replies []reply) error {
	var silent, failed int
	var first error
	for _, r := range replies {
		switch {
		case r.err != nil:
			silent++
			if first == nil {
				first = r.err
			}
			if len(replies) > 1 {
				fmt.Fprintln(os.Stderr, "manhole-poke:", printable.Line(r.err.Error()))
			}
		case slices.ContainsFunc(r.answers, func(a answered) bool { return a.failed != "" }):
			failed++
		}
	}
	switch {
	case len(replies) == 1 && first != nil:
		return first
	case silent == len(replies):
		return failf(statusOf(first), "none of %d processes answered", silent)
	case silent > 0:
		return failf(statusSome, "%d of %d processes did not answer", silent, len(replies))
	case failed > 0:
		return failf(statusCommand, "a command failed in %d of %d processes, as said above", failed, len(replies))
	}
	return nil
}
