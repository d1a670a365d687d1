package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

var errPreface = errors.New("the client and this process have different versions of lazy; use the manhole-poke of the version that go version -m reports for the program, or nc")

// frames holds a session with a client that asks for frames (package
// internal/frame).
func (s *session) frames() error {
	err := s.preface()
	if err == nil {
		err = s.serveRequests()
	}
	if err != nil {
		s.farewell(err)
	}
	return err
}

// preface reads what the client wants, greets it, and gives the report.
func (s *session) preface() error {
	s.framed = true
	line, err := s.in.line()
	if err != nil {
		return err
	}
	options, ok := strings.CutPrefix(line, frame.Preface)
	if !ok || options != "" && options[0] != ' ' {
		return errPreface
	}
	wants := strings.Fields(options)
	s.person = slices.Contains(wants, frame.WantsProgress)
	s.requests = &requests{in: s.in, person: s.person, fail: s.output.cancel}
	hello, err := s.hello()
	if err != nil {
		return err
	}
	if err := frame.Write(s.output, frame.Frame{Kind: frame.Hello, Payload: hello}); err != nil {
		return err
	}
	if slices.Contains(wants, frame.WantsReport) {
		report := s.statistics
		if s.person {
			for _, w := range wants {
				if size, ok := strings.CutPrefix(w, frame.ScreenIs); ok {
					s.screen.columns, s.screen.lines = frame.Screen(size)
				}
			}
			report = s.glance
		}
		s.request(&request{work: new(work)}, report)
		return s.flush()
	}
	return nil
}

func (s *session) hello() ([]byte, error) {
	g := frame.Greeting{Text: s.cfg.Greeting}
	for _, c := range s.commands() {
		g.Commands = append(g.Commands, c.Command)
	}
	hello, err := json.Marshal(g)
	if err == nil && len(hello) > frame.MaxPayload {
		err = fmt.Errorf("the descriptions of the commands take %d bytes, more than the %d of a frame; give the program's (Handle) fewer or shorter ones", len(hello), frame.MaxPayload)
	}
	return hello, err
}

// serveRequests answers one request after the other.
func (s *session) serveRequests() error {
	for {
		r, err := s.requests.next()
		if err == io.EOF {
			return s.flush()
		}
		if err != nil {
			return err
		}
		quits := false
		s.request(r, func() { quits = s.do(r.line) == errQuit })
		if err := s.flush(); err != nil || quits {
			return err
		}
	}
}

// request calls f to answer r, and marks the end of the answer.
func (s *session) request(r *request, f func()) {
	s.requests.running = r
	s.answer(r.work, func() {
		if r.interrupted {
			s.complain(nameIn(r.line), errTooSoon)
		} else {
			f()
		}
		s.put(frame.Done, nil)
	})
	s.requests.running = nil
}

var errTooSoon = errors.New("interrupted before it began")

// nameIn is the name of the command in a line, fit to be shown.
func nameIn(line string) string {
	all, err := words.Split(line)
	if err != nil || len(all) == 0 {
		return "line"
	}
	return words.Show(all[0])
}
