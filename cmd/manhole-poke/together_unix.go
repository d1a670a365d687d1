//go:build unix

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/console"
	"github.com/go-manhole/lazy/stackdump"
)

// A way is how one command is asked for and its answers are put together.
type way struct {
	line   string // as the user gave it
	sent   string // as it is sent
	kind   kind
	groups int // of stack -n
}

type kind int

const (
	beside kind = iota // each answer under a title of its own
	table              // stats
	merged             // stack
)

// wayFor knows the two commands whose answers say more together.
func wayFor(o options, line string) way {
	w := way{line: line, sent: line}
	words, err := typedWords(line)
	if err != nil || len(words) == 0 || o.out != "" { // what is wrong the console says
		return w
	}
	switch words[0].text {
	case "stats":
		w.kind = table
	case "stack":
		var args []string
		for _, word := range words[1:] {
			args = append(args, word.text)
		}
		if kept, groups, ok := mergeable(args); ok {
			w.kind, w.groups = merged, groups
			if o.json {
				kept = args // as nothing is merged then
			}
			w.sent = commandLine(append([]string{"stack", "json"}, kept...))
		}
	}
	return w
}

// mergeable says whether these arguments of stack ask for what can be merged,
// and takes out how many groups are shown, which is a question for afterwards.
// It understands options as the console does: -match raw asks for nothing raw.
func mergeable(args []string) (kept []string, groups int, ok bool) {
	stack, _ := commandOf(console.Commands(), []string{"stack"})
	valued := func(name string) bool {
		return slices.ContainsFunc(optionsOf(stack), func(o consoleOption) bool { return o.name == "-"+name && o.arg != "" })
	}
	for i := 0; i < len(args); i++ {
		option := args[i : i+1]
		if !strings.HasPrefix(args[i], "-") {
			if slices.Contains([]string{"raw", "diff", "json"}, args[i]) {
				return nil, 0, false
			}
			kept = append(kept, option...)
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !given && valued(name) && i+1 < len(args) {
			i++
			option, value = args[i-1:i+1], args[i]
		}
		if n, err := strconv.ParseUint(value, 10, 31); name == "n" && err == nil && n > 0 {
			groups = int(n)
			continue
		}
		kept = append(kept, option...)
	}
	return kept, groups, true
}

// show writes what several processes answered.
func show(out io.Writer, o options, ways []way, replies []reply) error {
	if o.out != "" {
		return nil
	}
	if o.json {
		return showJSON(out, ways, replies)
	}
	for i, w := range ways {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if len(ways) > 1 {
			fmt.Fprintf(out, "%s:\n", w.line)
		}
		var err error
		switch w.kind {
		case table:
			err = showTable(out, i, replies)
		case merged:
			err = showMerged(out, i, w, replies)
		default:
			showBeside(out, i, replies)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls f with every answer there is to the i-th line.
func each(i int, replies []reply, f func(r *reply, a *answered)) {
	for k := range replies {
		if r := &replies[k]; i < len(r.answers) {
			f(r, &r.answers[i])
		}
	}
}

func (r *reply) title() string {
	if r.name == "" {
		return "process " + r.door.String()
	}
	return fmt.Sprintf("process %v (%s)", r.door, printable.Line(r.name))
}

func showBeside(out io.Writer, i int, replies []reply) {
	first := true
	each(i, replies, func(r *reply, a *answered) {
		if !first {
			fmt.Fprintln(out)
		}
		first = false
		fmt.Fprintf(out, "==> %s <==\n", r.title())
		out.Write(a.text)
		if len(a.text) > 0 && a.text[len(a.text)-1] != '\n' {
			fmt.Fprintln(out)
		}
		if a.failed != "" {
			fmt.Fprintf(out, "%s%s\n", failed+" ", a.failed)
		}
	})
}

// A figure is one line of stats.
type figure struct {
	name  string
	value string
}

// parseStats reads the "name: value" lines of gops's stats.
func parseStats(text []byte) (figures []figure) {
	for line := range bytes.Lines(text) {
		name, value, ok := strings.Cut(string(line), ":")
		if ok {
			figures = append(figures, figure{printable.Line(name), printable.Line(value)})
		}
	}
	return figures
}

func showTable(out io.Writer, i int, replies []reply) error {
	var columns []string
	each(i, replies, func(_ *reply, a *answered) {
		for _, f := range parseStats(a.text) {
			if !slices.Contains(columns, f.name) {
				columns = append(columns, f.name)
			}
		}
	})
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "PID\tNAME\t%s\n", strings.ToUpper(strings.Join(columns, "\t")))
	each(i, replies, func(r *reply, a *answered) {
		fmt.Fprintf(t, "%v\t%s", r.door, cmp.Or(printable.Line(r.name), "?"))
		if a.failed != "" {
			fmt.Fprintf(t, "\t%s%s\n", failed+" ", a.failed)
			return
		}
		values := map[string]string{}
		for _, f := range parseStats(a.text) {
			values[f.name] = f.value
		}
		for _, c := range columns {
			fmt.Fprintf(t, "\t%s", cmp.Or(values[c], "-"))
		}
		fmt.Fprintln(t)
	})
	return t.Flush()
}

func showMerged(out io.Writer, i int, w way, replies []reply) error {
	var dumps []*stackdump.Dump
	each(i, replies, func(r *reply, a *answered) {
		if a.failed == "" {
			d, err := stackdump.ReadJSON(bytes.NewReader(a.text))
			if err == nil {
				dumps = append(dumps, d)
				return
			}
			a.failed = fmt.Sprintf("the stacks are not understood (%v); use the manhole-poke of its version of lazy", err)
		}
		fmt.Fprintf(out, "==> %s <==\n%s%s\n", r.title(), failed+" ", a.failed)
	})
	if len(dumps) == 0 {
		return nil
	}
	return stackdump.Merge(dumps...).Render(out, stackdump.RenderOptions{Groups: w.groups, Skipped: "of the sessions' own"})
}

// A line of --json is one answer of one process, or why there is none.
type jsonLine struct {
	PID     int               `json:"pid,omitempty"`
	Path    string            `json:"path,omitempty"`
	Name    string            `json:"name,omitempty"`
	Command string            `json:"command,omitempty"`
	OK      bool              `json:"ok"`
	Error   string            `json:"error,omitempty"`
	Status  int               `json:"status,omitempty"` // that manhole-poke would exit with
	Answer  string            `json:"answer,omitempty"` // as text
	Stats   map[string]int    `json:"stats,omitempty"`
	Stack   []json.RawMessage `json:"stack,omitempty"` // what stack json answers, line by line
}

func showJSON(out io.Writer, ways []way, replies []reply) error {
	write := func(l jsonLine) error {
		var line bytes.Buffer
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false)
		if err := e.Encode(l); err != nil {
			return err
		}
		_, err := out.Write(append(escaped(bytes.TrimSpace(line.Bytes())), '\n'))
		return err
	}
	for _, r := range replies {
		for i, a := range r.answers {
			l := jsonLine{PID: r.door.pid, Path: r.door.path, Name: r.name, Command: a.line, OK: a.failed == "", Error: a.failed}
			if a.failed != "" {
				l.Status = int(statusCommand)
			}
			switch ways[i].kind {
			case merged:
				for line := range bytes.Lines(a.text) {
					if !json.Valid(line) {
						l.Stack, l.OK, l.Answer = nil, false, string(a.text)
						l.Error, l.Status = "the stacks are not understood", int(statusBroken)
						break
					}
					l.Stack = append(l.Stack, bytes.TrimSpace(line))
				}
			case table:
				l.Stats = map[string]int{}
				for _, f := range parseStats(a.text) {
					if n, err := strconv.Atoi(f.value); err == nil {
						l.Stats[f.name] = n
					}
				}
			default:
				l.Answer = string(a.text)
			}
			if err := write(l); err != nil {
				return err
			}
		}
		if r.err != nil {
			l := jsonLine{PID: r.door.pid, Path: r.door.path, Name: r.name, Error: printable.Line(r.err.Error()), Status: int(statusOf(r.err))}
			l.Command = ways[len(r.answers)].line // the one that it did not answer, nor those after it
			if err := write(l); err != nil {
				return err
			}
		}
	}
	return nil
}
