package main

import (
	"bytes"
	"io"
)

// What lazy says in its own name starts a line with one of these, and so does
// its prompt.
const (
	ownWords = "lazy: "
	refused  = ownWords + "refused:"
	busy     = ownWords + "busy:"
	closing  = ownWords + "closing:"
	failed   = ownWords + "error:"
	prompt   = "lazy> "
)

// ownLineMax is how much of a line of lazy's own is remembered.
const ownLineMax = 512

// answers passes on what the process says, byte for byte, and remembers what
// lazy said in its own name: the exit status depends on it.
type answers struct {
	w io.Writer

	turnedAway string // the one line of a peer that got no session; not passed on
	closing    string // why the session was ended
	failures   int    // lines that say that a command failed
	failure    string // the first of them

	passed bool   // something was passed on
	last   byte   // of what was passed on
	begun  bool   // it is settled that the first line is passed on
	held   []byte // until then
	line   []byte // the present line, as long as it may be of lazy's own
	other  bool   // the present line is not
}

func (a *answers) Write(p []byte) (int, error) {
	a.watch(p)
	if a.begun {
		return len(p), a.pass(p)
	}
	a.held = append(a.held, p...)
	if i := bytes.IndexByte(a.held, '\n'); i < 0 && len(a.held) <= ownLineMax && (may(a.held, refused) || may(a.held, busy)) {
		return len(p), nil
	}
	return len(p), a.begin()
}

// end settles what the end of the stream leaves open.
func (a *answers) end() error {
	if len(a.line) > 0 && !a.other {
		a.own()
	}
	if a.begun {
		return nil
	}
	return a.begin()
}

func (a *answers) begin() error {
	a.begun = true
	rest := a.held
	a.held = nil
	if bytes.HasPrefix(rest, []byte(refused)) || bytes.HasPrefix(rest, []byte(busy)) {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		a.turnedAway = string(line)
	}
	return a.pass(rest)
}

func (a *answers) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	a.passed, a.last = true, p[len(p)-1]
	_, err := a.w.Write(p)
	return err
}

// heard says whether the process has said anything at all.
func (a *answers) heard() bool { return a.passed || len(a.held) > 0 || a.turnedAway != "" }

func (a *answers) watch(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		if !a.other {
			a.line = append(a.line, part[:min(len(part), ownLineMax-len(a.line))]...)
			for bytes.HasPrefix(a.line, []byte(prompt)) {
				a.line = a.line[len(prompt):]
			}
			a.other = !may(a.line, ownWords) && !may(a.line, prompt)
		}
		if end < 0 {
			return
		}
		if !a.other {
			a.own()
		}
		a.line, a.other = a.line[:0], false
		p = p[end+1:]
	}
}

func (a *answers) own() {
	line := string(bytes.TrimSpace(a.line))
	switch {
	case bytes.HasPrefix(a.line, []byte(failed)):
		if a.failures++; a.failures == 1 {
			a.failure = line
		}
	case bytes.HasPrefix(a.line, []byte(closing)):
		a.closing = line
	}
}

// may says whether text starts with prefix, or may yet when more of it comes.
func may(text []byte, prefix string) bool {
	n := min(len(text), len(prefix))
	return string(text[:n]) == prefix[:n]
}
