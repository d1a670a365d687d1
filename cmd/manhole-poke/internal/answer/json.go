package answer

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

// A jsonLine is one answer of one process, or why there is none.
type jsonLine struct {
	PID     int               `json:"pid,omitempty"`
	Path    string            `json:"path,omitempty"`
	Name    string            `json:"name,omitempty"`
	Command string            `json:"command,omitempty"`
	OK      bool              `json:"ok"`
	Error   string            `json:"error,omitempty"`
	Status  int               `json:"status,omitempty"` // the exit status for this error
	Reason  string            `json:"reason,omitempty"` // one of exit.Table
	Answer  string            `json:"answer,omitempty"` // as text
	Stats   map[string]int    `json:"stats,omitempty"`
	Stack   []json.RawMessage `json:"stack,omitempty"` // the lines of stack json
}

// ShowJSON writes each answer as a line of JSON, and for each reply that lacks
// answers one about the first of these.
func ShowJSON(w io.Writer, queries []Query, replies []Reply) error {
	for _, r := range replies {
		for i, a := range r.Answers {
			if err := writeJSON(w, answerLine(r, queries[i], a)); err != nil {
				return err
			}
		}
		if r.Err == nil || len(r.Answers) == len(queries) {
			continue
		}
		l := r.line(queries[len(r.Answers)])
		l.fail(exit.StatusOf(r.Err), exit.ReasonOf(r.Err), printable.Line(r.Err.Error()))
		if err := writeJSON(w, l); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, l jsonLine) error {
	text, err := printable.JSON(l)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

func (r *Reply) line(q Query) jsonLine {
	return jsonLine{PID: r.PID, Path: r.Path, Name: r.Name, Command: q.Line, OK: true}
}

func (l *jsonLine) fail(s exit.Status, reason, text string) {
	l.OK, l.Status, l.Reason, l.Error = false, int(s), reason, text
}

func answerLine(r Reply, q Query, a Answer) jsonLine {
	l := r.line(q)
	if a.Failed != "" {
		l.fail(exit.Command, "command-failed", a.Failed)
	}
	switch q.layout {
	case merge:
		for line := range bytes.Lines(a.Text) {
			if !json.Valid(line) {
				l.fail(exit.Broken, "not-understood", "the stacks are not understood")
				l.Stack, l.Answer = nil, string(a.Text)
				break
			}
			l.Stack = append(l.Stack, bytes.TrimSpace(line))
		}
	case table:
		l.Stats = map[string]int{}
		for _, f := range parseStats(a.Text) {
			if n, err := strconv.Atoi(f.value); err == nil {
				l.Stats[f.name] = n
			}
		}
	default:
		l.Answer = string(a.Text)
	}
	return l
}
