package answer

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/stackdump"
)

// Show writes the answers to each query, for people.
func Show(w io.Writer, queries []Query, replies []Reply) error {
	out := &errWriter{w: w}
	for i, q := range queries {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if len(queries) > 1 {
			fmt.Fprintf(out, "%s:\n", q.Line)
		}
		switch q.layout {
		case table:
			showTable(out, i, replies)
		case merge:
			showMerged(out, i, q, replies)
		default:
			showConcatenated(out, i, replies)
		}
	}
	return out.err
}

// An errWriter remembers the first error, and drops what comes after it.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) Write(p []byte) (int, error) {
	if e.err == nil {
		_, e.err = e.w.Write(p)
	}
	return len(p), e.err
}

// each calls f with every answer there is to the i-th query.
func each(i int, replies []Reply, f func(r *Reply, a *Answer)) {
	for k := range replies {
		if r := &replies[k]; i < len(r.Answers) {
			f(r, &r.Answers[i])
		}
	}
}

func showConcatenated(w io.Writer, i int, replies []Reply) {
	first := true
	each(i, replies, func(r *Reply, a *Answer) {
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		fmt.Fprintf(w, "==> %s <==\n", r.Title())
		w.Write(a.Text)
		if len(a.Text) > 0 && a.Text[len(a.Text)-1] != '\n' {
			fmt.Fprintln(w)
		}
		if a.Failed != "" {
			fmt.Fprintf(w, "%s%s\n", failedPrefix, a.Failed)
		}
	})
}

// A figure is one line of stats.
type figure struct{ name, value string }

// parseStats reads the "name: value" lines of stats.
func parseStats(text []byte) (figures []figure) {
	for line := range bytes.Lines(text) {
		if name, value, ok := strings.Cut(string(line), ":"); ok {
			figures = append(figures, figure{printable.Line(name), printable.Line(value)})
		}
	}
	return figures
}

func showTable(w io.Writer, i int, replies []Reply) {
	var columns []string
	each(i, replies, func(_ *Reply, a *Answer) {
		for _, f := range parseStats(a.Text) {
			if !slices.Contains(columns, f.name) {
				columns = append(columns, f.name)
			}
		}
	})
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "PID\tNAME\t%s\n", strings.ToUpper(strings.Join(columns, "\t")))
	each(i, replies, func(r *Reply, a *Answer) {
		fmt.Fprintf(t, "%s\t%s", r.target(), cmp.Or(printable.Line(r.Name), "?"))
		if a.Failed != "" {
			fmt.Fprintf(t, "\t%s%s\n", failedPrefix, a.Failed)
			return
		}
		values := map[string]string{}
		for _, f := range parseStats(a.Text) {
			values[f.name] = f.value
		}
		for _, c := range columns {
			fmt.Fprintf(t, "\t%s", cmp.Or(values[c], "-"))
		}
		fmt.Fprintln(t)
	})
	t.Flush()
}

func showMerged(w io.Writer, i int, q Query, replies []Reply) {
	var dumps []*stackdump.Dump
	each(i, replies, func(r *Reply, a *Answer) {
		if a.Failed == "" {
			d, err := stackdump.ReadJSON(bytes.NewReader(a.Text))
			if err == nil {
				dumps = append(dumps, d)
				return
			}
			a.Failed = fmt.Sprintf("the stacks are not understood (%v); use the manhole-poke of its version of lazy", err)
		}
		fmt.Fprintf(w, "==> %s <==\n%s%s\n", r.Title(), failedPrefix, a.Failed)
	})
	if len(dumps) > 0 {
		stackdump.Merge(dumps...).Render(w, stackdump.RenderOptions{Groups: q.groups, Skipped: "of the sessions' own"})
	}
}
