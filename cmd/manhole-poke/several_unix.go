//go:build linux || darwin || freebsd

package main

import (
	"bufio"
	"context"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/answer"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/outfile"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/commands"
)

// maxParallel limits the sessions at the same time, each of which takes
// descriptors.
const maxParallel = 256

// askSeveral runs the lines in all targets at once, so that what takes its time
// covers the same time everywhere, and shows the answers together.
func (c *client) askSeveral(ctx context.Context, ro ring.Options, targets []ring.Target, lines []string) error {
	var files []*outfile.File
	if c.out != "" {
		for _, t := range targets {
			name := c.out
			if len(targets) > 1 {
				name = outfile.InsertBeforeExt(name, fileLabel(t))
			}
			f, err := c.createFile(ctx, name)
			if err != nil {
				return err
			}
			defer f.Discard()
			files = append(files, f)
		}
	}
	queries := c.queries(lines)
	replies := make([]answer.Reply, len(targets))
	var all sync.WaitGroup
	slots := make(chan struct{}, maxParallel)
	for i, t := range targets {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			var out io.Writer
			if files != nil {
				out = files[i]
			}
			replies[i] = c.query(ctx, ro, t, queries, out)
			replies[i].Err = exit.WithView(replies[i].Err, "") // for programs, or beside others
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := c.show(ctx, queries, replies); err != nil {
		return err
	}
	c.commitAll(files, replies, lines)
	return answer.Outcome(c.stderr, replies)
}

func (c *client) queries(lines []string) (all []answer.Query) {
	for _, line := range lines {
		if c.out != "" {
			all = append(all, answer.Verbatim(line))
		} else {
			all = append(all, answer.NewQuery(line, c.json, commands.Builtin()))
		}
	}
	return all
}

// fileLabel returns the part of a file name that identifies the target.
func fileLabel(t ring.Target) string {
	if t.PID != 0 {
		return strconv.Itoa(t.PID)
	}
	return strings.ReplaceAll(strings.Trim(t.Path, "/"), "/", "-")
}

// query asks one process. Without out the answers are kept in the reply.
func (c *client) query(ctx context.Context, ro ring.Options, t ring.Target, queries []answer.Query, out io.Writer) (r answer.Reply) {
	r.PID, r.Path = t.PID, t.Path
	if t.PID != 0 {
		r.Name = process.NameOf(t.PID) // now, as it may exit
	}
	s, err := session.Connect(ctx, t, ro, session.Options{Timeout: c.timeout})
	if err != nil {
		r.Err = err
		return r
	}
	defer s.Close()
	r.PID, r.Name = s.Process().PID, s.Process().Name
	for _, q := range queries {
		if out == nil && s.IsBinary(q.Line) {
			r.Answers = append(r.Answers, answer.Answer{Failed: "the answer is binary; try -o FILE, which makes one for each process"})
			continue
		}
		var kept answer.Buffer
		sink := session.Sink{Out: &kept}
		if out != nil {
			sink.Out = out
		}
		var a answer.Answer
		a.Failed, r.Err = s.Do(q.Sent, sink)
		if r.Err != nil {
			return r
		}
		a.Text = kept.Bytes()
		r.Answers = append(r.Answers, a)
	}
	s.Leave()
	return r
}

// show writes the answers, unless they went to files.
func (c *client) show(ctx context.Context, queries []answer.Query, replies []answer.Reply) error {
	if c.out != "" {
		return nil
	}
	var lines []string
	for _, q := range queries {
		lines = append(lines, q.Line)
	}
	out, shown := c.paged(ctx, lines, func() {})
	if out == c.stdout && isTerminal(c.stdout) {
		out = printable.NewWriter(out)
	}
	w := bufio.NewWriter(out)
	show := answer.Show
	if c.json {
		show = answer.ShowJSON
	}
	err := show(w, queries, replies)
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	shown()
	if err != nil {
		return exit.Errorf(exit.LocalIO, "output", "cannot write the answers: %v", err)
	}
	return nil
}

// commitAll gives the files of answers their names.
func (c *client) commitAll(files []*outfile.File, replies []answer.Reply, lines []string) {
	var names []string
	for i, f := range files {
		r := &replies[i]
		if r.Err != nil {
			continue
		}
		if why := r.Answers[0].Failed; why != "" { // which is shown nowhere else
			c.complain(r.Title() + ": " + why)
			continue
		}
		if r.Err = c.commit(f, lines[0]); r.Err == nil {
			names = append(names, f.Name())
		}
	}
	if tool := answer.Viewer(lines[0]); tool == "go tool pprof" && len(names) > 1 {
		c.complain("look at them merged with " + tool + " " + strings.Join(names, " "))
	}
}
