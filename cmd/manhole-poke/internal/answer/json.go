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
	Value   json.RawMessage   `json:"value,omitempty"`  // of print, whatis, globals and locals
	Stats   map[string]int    `json:"stats,omitempty"`
	Stack   []json.RawMessage `json:"stack,omitempty"` // the lines of stack json
}

// ShowJSON writes each answer as a line of JSON, and for each reply that lacks
// answers one about the first of these.
func ShowJSON(w io.Writer, queries []Query, replies []Reply) error {
	return showAll(w, NewPrinter(queries, true, replies))
}

func showJSONItem(queries []Query) func(io.Writer, []Reply, item) {
	return func(w io.Writer, replies []Reply, it item) {
		r := replies[it.processes[0]]
		for i := range r.Answers {
			writeJSON(w, answerLine(r, queries[i], r.Answers[i]))
			r.Answers[i].Text = nil
		}
		if r.Err == nil || len(r.Answers) == len(queries) {
			return
		}
		l := r.line(queries[len(r.Answers)])
		l.fail(exit.StatusOf(r.Err), exit.ReasonOf(r.Err), printable.Line(r.Err.Error()))
		writeJSON(w, l)
	}
}

// writeJSON leaves it to w to remember an error.
func writeJSON(w io.Writer, l jsonLine) {
	text, err := printable.JSON(l)
	if err != nil { // a number that JSON has not, say
		l.fail(exit.Broken, "not-understood", err.Error())
		l.Stats, l.Stack = nil, nil
		text, _ = printable.JSON(l)
	}
	w.Write(text)
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
		// As it was understood: what it was may contradict itself.
		d, err := readStacks(a.Text)
		var understood bytes.Buffer
		if err == nil {
			err = d.WriteJSON(&understood)
		}
		switch {
		case err == nil:
			for line := range bytes.Lines(understood.Bytes()) {
				l.Stack = append(l.Stack, bytes.TrimSpace(line))
			}
		case a.Failed == "":
			l.fail(exit.Broken, "not-understood", notUnderstood(err))
			l.Answer = string(a.Text)
		}
	case value:
		switch text := bytes.TrimSpace(a.Text); {
		case json.Valid(text):
			l.Value = text
		case a.Failed == "": // of a command of the program with this name
			l.Answer = string(a.Text)
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
