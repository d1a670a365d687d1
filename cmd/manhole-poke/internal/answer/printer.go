package answer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// outOfOrder is how long an answer waits for those of the processes before it.
const outOfOrder = time.Second

// A Printer shows the answers of several processes as they come, in the order of
// the processes unless one is late. A process that says nothing does not keep the
// answers of others from being shown. Except for Run, its methods are safe for
// concurrent use.
type Printer struct {
	// Quiet is how long a process may say nothing while another one's answer
	// waits for its, to be shown together.
	Quiet time.Duration
	// GiveUp is called with the number of a process that was silent for too long
	// after others had answered, and how long that is; it should end soon. It may
	// be called more than once.
	GiveUp func(process int, silent time.Duration)

	queries []Query
	show    func(w io.Writer, replies []Reply, it item)
	changed chan struct{}

	mu      sync.Mutex
	replies []Reply
	ended   []bool
	heard   []time.Time     // of each process: when it last said much, or began
	asked   []time.Time     // of each process: since when it has been at its current query
	first   []time.Time     // of each query: when it was answered first
	took    []time.Duration // of each query: the longest that an answer took
	items   []item
	behind  time.Time // since when something could be shown but for its place
}

// An item is what is shown at once: the answer of one process to a query, those
// of several in one layout, or as JSON all that a process says.
type item struct {
	query     int // -1 is all
	processes []int
}

// NewPrinter returns a printer for the replies, which name the processes.
func NewPrinter(queries []Query, asJSON bool, replies []Reply) *Printer {
	p := &Printer{
		GiveUp: func(int, time.Duration) {}, Quiet: time.Hour, queries: queries, changed: make(chan struct{}, 1),
		replies: replies, ended: make([]bool, len(replies)), heard: make([]time.Time, len(replies)), asked: make([]time.Time, len(replies)),
		first: make([]time.Time, len(queries)), took: make([]time.Duration, len(queries)),
	}
	all := make([]int, len(replies))
	for k := range replies {
		all[k] = k
		// Enough, so that it never moves: see item.
		p.replies[k].Answers = append(make([]Answer, 0, len(queries)), replies[k].Answers...)
	}
	if asJSON {
		p.show = showJSONItem(queries)
		for k := range replies {
			p.items = append(p.items, item{-1, []int{k}})
		}
		return p
	}
	p.show = newTextLayout(queries).show
	for i, q := range queries {
		if q.layout != concat {
			p.items = append(p.items, item{i, all})
			continue
		}
		for k := range replies {
			p.items = append(p.items, item{i, []int{k}})
		}
	}
	return p
}

// Began says that a process can be asked now, and what it is called.
func (p *Printer) Began(process, pid int, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replies[process].PID, p.replies[process].Name = pid, name
	p.heard[process] = time.Now()
	p.asked[process] = p.heard[process]
}

// Heard says that a process is not silent.
func (p *Printer) Heard(process int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[process] = time.Now()
}

// Answered adds the next answer of a process.
func (p *Printer) Answered(process int, a Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.replies[process]
	now := time.Now()
	if i := len(r.Answers); a.Failed == "" { // a failure says nothing about how long it takes
		if p.first[i].IsZero() {
			p.first[i] = now
		}
		p.took[i] = max(p.took[i], now.Sub(p.asked[process]))
	}
	r.Answers = append(r.Answers, a)
	p.heard[process], p.asked[process] = now, now
	p.wake()
}

// Ended says that there are no more answers of a process, and why.
func (p *Printer) Ended(process int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replies[process].Err = err
	p.ended[process] = true
	p.wake()
}

func (p *Printer) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Run writes to w until all processes have ended or ctx is done, whose cause it
// then returns. It returns all replies.
func (p *Printer) Run(ctx context.Context, w io.Writer) ([]Reply, error) {
	out := &errWriter{w: w}
	b := bufio.NewWriter(out)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		p.giveUp()
		replies, items, more := p.take()
		for _, it := range items {
			p.show(b, replies, it)
			b.Flush() // so that Write fails soon
		}
		switch {
		case out.err != nil:
			return replies, out.err
		case !more:
			return p.replies, nil // all have ended
		}
		select {
		case <-p.changed:
		case <-tick.C:
		case <-ctx.Done():
			return replies, context.Cause(ctx)
		}
	}
}

// Each calls f with each process that has ended, in the order of Run and instead
// of it. What f changes is in the replies that it returns.
func (p *Printer) Each(ctx context.Context, f func(process int, r *Reply)) ([]Reply, error) {
	p.mu.Lock()
	p.items = nil
	for k := range p.replies {
		p.items = append(p.items, item{-1, []int{k}})
	}
	p.mu.Unlock()
	p.show = func(_ io.Writer, replies []Reply, it item) {
		k := it.processes[0]
		f(k, &replies[k])
		p.mu.Lock()
		p.replies[k] = replies[k]
		p.mu.Unlock()
	}
	return p.Run(ctx, io.Discard)
}

// take returns what can be shown now: up to the first item that has to wait, and
// what is behind that if it has waited for too long. more says that some has to
// wait.
func (p *Printer) take() (replies []Reply, items []item, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait, behind := p.ready(&items, p.items, true)
	switch {
	case !behind:
		p.behind = time.Time{}
	case p.behind.IsZero():
		p.behind = time.Now()
	case time.Since(p.behind) > outOfOrder:
		wait, _ = p.ready(&items, wait, false)
	}
	p.items = wait
	for _, it := range items {
		for _, k := range it.processes {
			p.collect(k, it.query)
		}
	}
	return slices.Clone(p.replies), items, len(wait) > 0 || slices.Contains(p.ended, false)
}

// ready appends what can be shown now, and returns what has to wait. If it is
// to be in order, what is behind something that has to wait waits as well.
func (p *Printer) ready(now *[]item, all []item, inOrder bool) (wait []item, behind bool) {
	for _, it := range all {
		ready, late := p.split(it)
		if len(ready) > 0 && inOrder && len(wait) > 0 {
			ready, late, behind = nil, it.processes, true
		}
		if len(ready) > 0 {
			*now = append(*now, item{it.query, ready})
		}
		if len(late) > 0 {
			wait = append(wait, item{it.query, late})
		}
	}
	return wait, behind
}

// split returns the processes of an item whose answers can be shown now, and
// those to wait for. Answers that are shown together wait for the others,
// unless these keep silent for too long.
func (p *Printer) split(it item) (ready, wait []int) {
	for _, k := range it.processes {
		answers := len(p.replies[k].Answers)
		switch {
		case it.query < 0 && !p.ended[k], it.query >= answers && !p.ended[k]:
			wait = append(wait, k)
		case it.query < 0 || it.query < answers:
			ready = append(ready, k)
		}
	}
	if len(wait) > 0 && slices.ContainsFunc(wait, func(k int) bool { return !p.late(k, it.query) }) {
		return nil, it.processes
	}
	return ready, wait
}

// patience returns how long a process may be silent after another has answered
// the query. How long stats and stack take is known. What another command does
// may take longer in one process than in others, whose answers are shown at
// once.
func (p *Printer) patience(query int) time.Duration {
	if p.queries[query].layout != concat {
		return p.Quiet
	}
	return 6*p.Quiet + p.took[query]
}

// late reports whether others have waited long enough for the answer of a
// process to a query.
func (p *Printer) late(process, query int) bool {
	if query < 0 || IsStream(p.queries[query].Line) {
		return false
	}
	d := p.patience(query)
	return passed(p.heard[process], d) && passed(p.first[query], d)
}

func passed(since time.Time, d time.Duration) bool { return !since.IsZero() && time.Since(since) > d }

// giveUp gives up on the processes that are late.
func (p *Printer) giveUp() {
	late := map[int]time.Duration{}
	p.mu.Lock()
	for k := range p.replies {
		if i := len(p.replies[k].Answers); !p.ended[k] && i < len(p.queries) && p.late(k, i) {
			late[k] = p.patience(i)
		}
	}
	p.mu.Unlock()
	for k, d := range late {
		p.GiveUp(k, d)
	}
}

// IsSilent reports whether a process has begun and said nothing for [Printer.Quiet].
func (p *Printer) IsSilent(process int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return passed(p.heard[process], p.Quiet)
}

// collect takes the texts of answers out of their buffers.
func (p *Printer) collect(process, query int) {
	answers := p.replies[process].Answers
	for i := range answers {
		a := &answers[i]
		if query >= 0 && i != query || a.Held == nil {
			continue
		}
		var dropped bool
		if a.Text, dropped = a.Held.take(); dropped && a.Failed == "" {
			a.Failed = a.Held.budget.tooLong()
		}
		a.Held = nil
	}
}

// A textLayout shows items as text.
type textLayout struct {
	queries []Query
	begun   bool
	section int // the query that was shown last
}

func newTextLayout(queries []Query) *textLayout { return &textLayout{queries: queries, section: -1} }

func (t *textLayout) show(w io.Writer, replies []Reply, it item) {
	if t.begun {
		fmt.Fprintln(w)
	}
	q := t.queries[it.query]
	if t.section != it.query && len(t.queries) > 1 {
		fmt.Fprintf(w, "%s:\n", q.Line)
	}
	t.begun, t.section = true, it.query
	var shown []*Reply
	for _, k := range it.processes {
		shown = append(shown, &replies[k])
	}
	switch q.layout {
	case table:
		showTable(w, it.query, shown)
	case merge:
		showMerged(w, it.query, q, shown)
	default:
		t.showConcatenated(w, it.query, shown)
	}
	for _, r := range shown {
		r.Answers[it.query].Text = nil
	}
}
