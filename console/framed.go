package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/internal/frame"
)

// IsFramed reports whether b begins what manhole-poke says, which wants the
// answers in frames (package internal/frame).
func IsFramed(b byte) bool { return b == frame.Opening[0] }

// Framed holds a session as [Run] does, with a client whose first line asks
// for frames. Whether it is a person, that line says.
func Framed(ctx context.Context, conn Conn, cfg Config) error {
	cfg.Person = false
	s, end := start(ctx, conn, cfg)
	defer end()
	s.framed = true
	err := s.opening()
	if err == nil {
		err = s.loop()
	}
	if err != nil {
		s.farewell(err)
	}
	return err
}

var errOpening = errors.New("this is not what a manhole-poke of this version says first; use the one of the version of lazy in go version -m, or nc")

// opening reads what the client wants, and greets it.
func (s *session) opening() error {
	line, err := s.lines.next()
	if err != nil {
		return err
	}
	words, ok := strings.CutPrefix(line, frame.Opening)
	if !ok || words != "" && words[0] != ' ' {
		return errOpening
	}
	wants := strings.Fields(words)
	s.cfg.Person = slices.Contains(wants, frame.WantsProgress)
	g := frame.Greeting{Text: s.cfg.Greeting}
	for _, c := range s.commands() {
		g.Commands = append(g.Commands, c.describe())
	}
	hello, err := json.Marshal(g)
	if err != nil {
		return err
	}
	if len(hello) > frame.Most {
		return fmt.Errorf("the list of commands takes %d bytes, and %d are allowed; are there so many in the program (Handle)?", len(hello), frame.Most)
	}
	if err := frame.Write(s.peer, frame.Hello, hello); err != nil {
		return err
	}
	if slices.Contains(wants, frame.WantsReport) {
		s.statistics()
		return s.answered()
	}
	return nil
}

func (c command) describe() frame.Command {
	return frame.Command{
		Name: c.name, Args: c.args, Topic: string(c.topic), What: c.what,
		More: c.more, Example: c.example, Binary: c.binary,
	}
}

// Commands are the console's own, for whoever completes what is typed before
// there is a session.
func Commands() []frame.Command {
	var all []frame.Command
	for _, c := range builtin() {
		all = append(all, c.describe())
	}
	return all
}
