package answer

import (
	"bytes"
	"cmp"
	"context"
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
	return showAll(w, NewPrinter(queries, false, replies))
}

func showAll(w io.Writer, p *Printer) error {
	for k := range p.ended {
		p.ended[k] = true
	}
	_, err := p.Run(context.Background(), w)
	return err
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
func each(i int, replies []*Reply, f func(r *Reply, a *Answer)) {
	for _, r := range replies {
		f(r, &r.Answers[i])
	}
}

// titleMark begins the line with the name of a process.
const titleMark = "==> "

// showConcatenated shows each answer under a title. What an answer itself says
// cannot be taken for the title of another one, or for the line of a query.
func (t *textLayout) showConcatenated(w io.Writer, i int, replies []*Reply) {
	each(i, replies, func(r *Reply, a *Answer) {
		fmt.Fprintf(w, "%s%s <==\n", titleMark, r.Title())
		for line := range strings.Lines(printable.Text(string(a.Text))) {
			if t.isOurs(line) {
				line = `\` + line
			}
			io.WriteString(w, line)
		}
		if a.Failed != "" {
			fmt.Fprintf(w, "%s%s\n", failedPrefix, a.Failed)
		}
	})
}

// isOurs reports whether a line looks like one that only this client writes.
func (t *textLayout) isOurs(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(strings.TrimLeft(line, `\`), strings.TrimSpace(titleMark)) ||
		len(t.queries) > 1 && slices.ContainsFunc(t.queries, func(q Query) bool { return line == q.Line+":" })
}

// A figure is one line of stats.
type figure struct{ name, value string }

// More than stats has, and than is of use in a table.
const (
	maxFigures = 64
	maxFigure  = 64 // bytes of a name or value
)

// parseStats reads the "name: value" lines of stats.
func parseStats(text []byte) (figures []figure) {
	for line := range bytes.Lines(text) {
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || len(name) > maxFigure || len(value) > maxFigure {
			continue
		}
		if figures = append(figures, figure{printable.Line(name), printable.Line(value)}); len(figures) == maxFigures {
			break
		}
	}
	return figures
}

func showTable(w io.Writer, i int, replies []*Reply) {
	var columns []string
	each(i, replies, func(_ *Reply, a *Answer) {
		for _, f := range parseStats(a.Text) {
			if !slices.Contains(columns, f.name) && len(columns) < maxFigures {
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

func showMerged(w io.Writer, i int, q Query, replies []*Reply) {
	var dumps []*stackdump.Dump
	each(i, replies, func(r *Reply, a *Answer) {
		if a.Failed == "" {
			d, err := readStacks(a.Text)
			if a.Text = nil; err == nil {
				dumps = append(dumps, d)
				return
			}
			a.Failed = notUnderstood(err)
		}
		fmt.Fprintf(w, "%s%s <==\n%s%s\n", titleMark, r.Title(), failedPrefix, a.Failed)
	})
	if len(dumps) > 0 {
		stackdump.Merge(dumps...).Render(w, stackdump.RenderOptions{Groups: q.groups, Skipped: "of the sessions' own"})
	}
}

// readStacks reads the answer to stack json, which must be of one process.
func readStacks(text []byte) (*stackdump.Dump, error) {
	d, err := stackdump.ReadJSON(bytes.NewReader(text))
	if err == nil && d.Dumps > 1 {
		return nil, fmt.Errorf("they are said to be of %d processes", d.Dumps)
	}
	return d, err
}

func notUnderstood(err error) string {
	return fmt.Sprintf("the stacks are not understood (%v); use the manhole-poke of its version of lazy", err)
}
