package stackdump

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RenderOptions says how much to write. The zero value is for a person.
type RenderOptions struct {
	Groups int // at most so many groups, the largest; 0 means all
	IDs    int // at most so many ids of a group; 0 means 10

	// Descriptor names a descriptor that goroutines of the group wait on, of which
	// object is what Group.Object returned, or returns "". If it is nil, none is shown.
	Descriptor func(g *Group, object uint64) string

	// Skipped says what Options.SkipFunc left out: "7 of the caller's own" if it
	// is empty, otherwise "7 " and this.
	Skipped string

	// Full is the command that takes a full capture, "stack full". If it is not
	// empty, what only that knows is followed by the command and what it costs.
	Full string
}

// Render writes the dump as text: a summary, then each group with one line of
// what its goroutines have in common and one line for each call, innermost
// first; then what was left out, if anything was. The error is w's.
func (d *Dump) Render(w io.Writer, o RenderOptions) error {
	b := bufio.NewWriter(w)
	shown, hidden := d.visible()
	rest := []Group(nil)
	if o.Groups > 0 && len(shown) > o.Groups {
		shown, rest = shown[:o.Groups], shown[o.Groups:]
	}
	d.summary(b, shown, rest, o)
	for i := range shown {
		fmt.Fprintf(b, "\n#%d: ", i+1)
		shown[i].render(b, d.Dumps, o)
	}
	d.cutOff(b, shown, o)
	d.leftOut(b, rest, hidden, cmp.Or(o.Skipped, "of the caller's own"))
	return b.Flush()
}

// visible returns the groups to be shown and how many goroutines are not, for
// they are the runtime's own.
func (d *Dump) visible() (groups []Group, hidden int) {
	if d.system {
		return d.Groups, 0
	}
	for i := range d.Groups {
		if d.Groups[i].System {
			hidden += d.Groups[i].Count
		} else {
			groups = append(groups, d.Groups[i])
		}
	}
	return groups, hidden
}

// summary writes the lines above the groups.
func (d *Dump) summary(b *bufio.Writer, shown, rest []Group, o RenderOptions) {
	states := map[string]int{}
	n := 0
	var active []string
	for i := range shown {
		if shown[i].active() {
			active = append(active, "#"+strconv.Itoa(i+1))
		}
	}
	for _, groups := range [][]Group{shown, rest} {
		for i := range groups {
			states[groups[i].State] += groups[i].Count
			n += groups[i].Count
		}
	}
	names := make([]string, 0, len(states))
	for s := range states {
		names = append(names, s)
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(-compareBool(isActive(x), isActive(y)), cmp.Compare(states[y], states[x]), cmp.Compare(x, y))
	})
	for i, s := range names {
		names[i] = fmt.Sprintf("%d %s", states[s], s)
	}
	if n == d.Total {
		b.WriteString(plural(n, "goroutine"))
	} else {
		fmt.Fprintf(b, "%d of %s", n, plural(d.Total, "goroutine"))
	}
	if d.Dumps > 1 {
		fmt.Fprintf(b, " of %d processes", d.Dumps)
	}
	fmt.Fprintf(b, " in %s", plural(len(shown)+len(rest), "group"))
	if len(names) > 0 {
		fmt.Fprintf(b, ": %s", strings.Join(names, ", "))
	}
	b.WriteByte('\n')
	d.way(b, o)
	switch n := len(active); {
	case n > 20:
		fmt.Fprintf(b, "running or runnable: %s and %d more\n", strings.Join(active[:20], " "), n-20)
	case n > 0:
		fmt.Fprintf(b, "running or runnable: %s\n", strings.Join(active, " "))
	}
}

// way writes how the dump was taken and what is not known therefore.
func (d *Dump) way(b *bufio.Writer, o RenderOptions) {
	switch full := d.Dumps - d.Grouped; {
	case d.Dumps > 1 && d.Full:
		fmt.Fprintf(b, "full captures, the world stood still for at most %s\n", short(d.Stopped))
	case d.Dumps > 1 && full == 0:
		fmt.Fprintf(b, "grouped captures in at most %s: waits and creators are not known\n", short(d.Elapsed))
	case d.Dumps > 1:
		fmt.Fprintf(b, "%s, the world stood still for at most %s; %d grouped, of which waits and creators are not known\n",
			plural(full, "full capture"), short(d.Stopped), d.Grouped)
	case d.Full && d.Stopped == 0: // of a copy
		b.WriteString("full capture\n")
	case d.Full:
		fmt.Fprintf(b, "full capture, the world stood still for %s\n", short(d.Stopped))
	default:
		fmt.Fprintf(b, "grouped capture in %s: ids, waits and creators are not known%s\n", short(d.Elapsed), d.fullHas(o, "has them, and stops the world for about "+short(d.FullStop())))
	}
}

// fullHas says that a full capture has what a grouped one lacks, if o has the
// command for it.
func (d *Dump) fullHas(o RenderOptions, has string) string {
	if o.Full == "" || d.Full || d.Dumps > 1 {
		return ""
	}
	return "; " + o.Full + " " + has
}

// cutOff says what is not known of deep stacks.
func (d *Dump) cutOff(b *bufio.Writer, shown []Group, o RenderOptions) {
	cut := 0
	for i := range shown {
		if shown[i].cut() {
			cut += shown[i].Count
		}
	}
	const ends = "has the 50 innermost and the 50 outermost frames"
	if cut > 0 && !d.Full && d.Dumps <= 1 {
		fmt.Fprintf(b, "\ncut off: %s of more than %d frames; those that differ further out are one group%s\n",
			plural(cut, "stack"), profileDepth, d.fullHas(o, ends))
	}
	if d.unseen > 0 {
		part := fmt.Sprintf("beyond the %d innermost", profileDepth)
		if d.Full {
			part = "in the middle"
		}
		fmt.Fprintf(b, "\nnot seen by the filter: the frames %s of %s, which the runtime leaves out%s\n",
			part, plural(d.unseen, "deep stack"), d.fullHas(o, ends))
	}
}

// foldedLine writes what a Filter folded, and returns how many goroutines that are.
func (d *Dump) foldedLine(b *bufio.Writer) (n int) {
	var kinds []string
	for _, f := range d.folded {
		n += f.count
		kinds = append(kinds, fmt.Sprintf("%d %s", f.count, f.kind))
	}
	if n > 0 {
		fmt.Fprintf(b, "\nfolded: %s of the standard library: %s\n", plural(n, "idle goroutine"), strings.Join(kinds, ", "))
	}
	return n
}

func isActive(state string) bool { return state == "running" || state == "runnable" }

func (g *Group) active() bool { return isActive(g.State) }

// render writes one group of so many dumps.
func (g *Group) render(b *bufio.Writer, dumps int, o RenderOptions) {
	fmt.Fprintf(b, "%d %s", g.Count, g.State)
	if dumps > 1 {
		fmt.Fprintf(b, " in %d of %d processes", g.Dumps, dumps)
	}
	if wait := g.waitText(); wait != "" {
		b.WriteString(", " + wait)
	}
	if g.Locked {
		b.WriteString(", locked to thread")
	}
	if g.System {
		b.WriteString(", the runtime's own")
	}
	g.renderIDs(b, cmp.Or(o.IDs, 10))
	b.WriteByte('\n')
	if text := g.waitsForText(o.Descriptor); text != "" {
		b.WriteString("    waits for " + text + "\n")
	}
	g.renderLabels(b)
	if g.args != nil {
		g.renderArgs(b)
	} else {
		renderFrames(b, "    ", g.Frames)
	}
	if g.CreatedBy.Func != "" {
		by := "created by " + g.CreatedBy.Func
		if g.Parent != 0 {
			by += " in goroutine " + strconv.FormatUint(g.Parent, 10)
		}
		frameLine(b, "    ", by, g.CreatedBy, 0)
	}
	g.renderAncestors(b)
}

// waitText returns "12 minutes" or "0 to 12 minutes", nothing if all are below a
// minute or not known.
func (g *Group) waitText() string {
	from, to := int(g.MinWait/time.Minute), int(g.MaxWait/time.Minute)
	switch {
	case to == 0:
		return ""
	case from == to:
		return plural(to, "minute")
	default:
		return fmt.Sprintf("%d to %s", from, plural(to, "minute"))
	}
}

func (g *Group) renderIDs(b *bufio.Writer, most int) {
	if len(g.IDs) == 0 {
		return
	}
	if g.Count == 1 {
		fmt.Fprintf(b, ", id %d", g.IDs[0])
		return
	}
	b.WriteString(", ids")
	for _, id := range g.IDs[:min(most, len(g.IDs))] {
		fmt.Fprintf(b, " %d", id)
	}
	if more := g.Count - min(most, len(g.IDs)); more > 0 {
		fmt.Fprintf(b, " and %d more", more)
	}
}

// renderLabels writes the three most frequent sets.
func (g *Group) renderLabels(b *bufio.Writer) {
	for _, s := range g.Labels[:min(3, len(g.Labels))] {
		b.WriteString("    labels")
		for _, l := range s.Labels {
			b.WriteByte(' ')
			b.WriteString(word(l.Key) + "=" + word(l.Value))
		}
		if s.Count != g.Count {
			fmt.Fprintf(b, " (%d)", s.Count)
		}
		b.WriteByte('\n')
	}
	if len(g.Labels) > 3 {
		n := 0
		for _, s := range g.Labels[3:] {
			n += s.Count
		}
		fmt.Fprintf(b, "    and %s more (%d)\n", plural(len(g.Labels)-3, "set"), n)
	}
}

// word quotes what would run into the text around it.
func word(s string) string {
	q := strconv.Quote(s)
	if q != `"`+s+`"` || s == "" || strings.ContainsAny(s, " =,()") {
		return q
	}
	return s
}

// leftOut writes the last line.
func (d *Dump) leftOut(b *bufio.Writer, rest []Group, hidden int, skipped string) {
	var out []string
	say := func(n int, format string, args ...any) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d ", n)+fmt.Sprintf(format, args...))
		}
	}
	folded := d.foldedLine(b)
	n, active := 0, 0
	for i := range rest {
		n += rest[i].Count
		if rest[i].active() {
			active += rest[i].Count
		}
	}
	smaller := "in " + plural(len(rest), "smaller group")
	if active > 0 {
		smaller += fmt.Sprintf(" (%d running or runnable)", active)
	}
	say(n, "%s", smaller)
	say(d.Filtered-folded, "by the filter")
	say(hidden, "of the runtime's own")
	say(d.Skipped, "%s", skipped)
	say(d.Missing, "that did not fit into the memory allowed for a capture")
	say(d.labelsDropped, "goroutines' labels that did not fit")
	if len(out) > 0 {
		fmt.Fprintf(b, "\nleft out: %s\n", strings.Join(out, ", "))
	}
}

// Render writes what changed: a summary, then the stacks that are new, grown,
// shrunk and gone, and a last line about what was left out. The error is w's.
// o.Groups bounds the stacks of each kind.
func (d *Delta) Render(w io.Writer, o RenderOptions) error {
	b := bufio.NewWriter(w)
	by := d.After.Total - d.Before.Total
	fmt.Fprintf(b, "%s, %d before (%+d in %s): %d new, %d grown, %d shrunk, %d gone, %d unchanged\n",
		plural(d.After.Total, "goroutine"), d.Before.Total, by, short(d.After.Taken.Sub(d.Before.Taken)),
		len(d.New), len(d.Grown), len(d.Shrunk), len(d.Gone), d.Unchanged)
	stacks, goroutines := 0, 0
	for _, kind := range []struct {
		name    string
		changes []Change
	}{{"new", d.New}, {"grown", d.Grown}, {"shrunk", d.Shrunk}, {"gone", d.Gone}} {
		for i, c := range kind.changes {
			if o.Groups > 0 && i >= o.Groups {
				stacks++
				goroutines += abs(c.By())
				continue
			}
			fmt.Fprintf(b, "\n%+d %s", c.By(), kind.name)
			if c.Before > 0 && c.After > 0 {
				fmt.Fprintf(b, " from %d to %d", c.Before, c.After)
			}
			fmt.Fprintf(b, ": %s", c.Group.State)
			if wait := c.Group.waitText(); wait != "" {
				b.WriteString(", " + wait)
			}
			b.WriteByte('\n')
			c.Group.renderLabels(b)
			renderFrames(b, "    ", c.Group.Frames)
			if by := c.Group.CreatedBy; by.Func != "" {
				frameLine(b, "    ", "created by "+by.Func, by, 0)
			}
		}
	}
	if stacks > 0 {
		fmt.Fprintf(b, "\nleft out: %s with a change of %d in all\n", plural(stacks, "stack"), goroutines)
	}
	d.After.cutOff(b, nil, o)
	d.After.foldedLine(b)
	return b.Flush()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// short prints a duration with some three digits.
func short(d time.Duration) string {
	switch {
	case d.Abs() >= time.Minute:
		return d.Round(time.Second).String()
	case d.Abs() >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d.Abs() >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(100 * time.Nanosecond).String()
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}
