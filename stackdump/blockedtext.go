package stackdump

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Render writes a summary, likely deadlocks, and a table of the objects that goroutines wait for, with
// at most o.Groups objects, or 20 if that is 0. The error is w's.
func (b *Blocked) Render(w io.Writer, o RenderOptions) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%d of %s wait for %s", b.Waiters, plural(b.Dump.Total, "goroutine"), plural(len(b.Objects)+b.More, "object"))
	if b.Unknown > 0 {
		fmt.Fprintf(out, "; it is not known for what %d of them do", b.Unknown)
	}
	out.WriteByte('\n')
	b.Dump.way(out, o)
	if b.Memory != nil {
		fmt.Fprintf(out, "channels, most RWMutexes, and what is on stacks but no argument are not known: %v\n", b.Memory)
	}
	for _, c := range b.Cycles {
		b.renderCycle(out, c)
	}
	shown := b.Objects[:min(len(b.Objects), cmp.Or(o.Groups, 20))]
	if len(shown) > 0 {
		out.WriteString("\nkind       address             waiters  longest wait    variable\n")
	}
	for i := range shown {
		b.renderObject(out, &shown[i])
	}
	b.leftOut(out, b.Objects[len(shown):], cmp.Or(o.Skipped, "of the caller's own"))
	return out.Flush()
}

func (b *Blocked) renderCycle(out *bufio.Writer, cycle []Link) {
	fmt.Fprintf(out, "\nlikely deadlock of %s:\n", plural(len(cycle), "goroutine"))
	for i, l := range cycle {
		next := cycle[(i+1)%len(cycle)].Object
		fmt.Fprintf(out, "    goroutine %d may hold %s (%s), and waits for %s\n",
			l.Holder.ID, l.Object.title(), l.Holder.reason(), next.title())
		writePlace(out, "        ", l.Holder.Group)
	}
	if b.Memory == nil {
		out.WriteString("    Nobody got one of these locks within 100 ms. It is not certain: a stack may still have the address of a lock that was unlocked.\n")
	} else {
		out.WriteString("    It is not certain: an argument does not say that a lock is held.\n")
	}
}

// title is kind, address and, if it has one, name of an object.
func (o *Object) title() string {
	title := o.Kind + " " + hex(o.Addr)
	if o.Name != "" {
		title += " " + o.Name
	}
	return title
}

// reason says where the object is.
func (h *Holder) reason() string {
	switch {
	case h.Func == "":
		return "its address is on the stack"
	case h.Before == 0:
		return "an argument of " + h.Func
	default:
		return fmt.Sprintf("an argument of %s is %d bytes before it", h.Func, h.Before)
	}
}

func (b *Blocked) renderObject(out *bufio.Writer, o *Object) {
	longest := "below a minute"
	if n := int(o.MaxWait / time.Minute); n > 0 {
		longest = plural(n, "minute")
	}
	line := fmt.Sprintf("%-9s  %-18s  %7d  %-14s  %s", o.Kind, hex(o.Addr), o.Waiters, longest, o.Name)
	out.WriteString(strings.TrimRight(line, " ") + "\n")
	rest := o.Waiters
	for _, p := range o.Places[:min(3, len(o.Places))] {
		rest -= p.Count
		writePlace(out, fmt.Sprintf("    %d %s in ", p.Count, p.Group.State), p.Group)
	}
	if rest > 0 {
		fmt.Fprintf(out, "    %d elsewhere\n", rest)
	}
	lock := o.lock()
	for i, h := range o.Holders {
		if i == 3 {
			break
		}
		if lock {
			fmt.Fprintf(out, "    may be held by goroutine %d, %s (%s)\n", h.ID, h.Group.State, h.reason())
		} else {
			fmt.Fprintf(out, "    goroutine %d, %s, has it too (%s)\n", h.ID, h.Group.State, h.reason())
		}
		writePlace(out, "        ", h.Group)
	}
	switch n := max(len(o.Holders)-3, 0) + o.MoreHolders; {
	case n > 0:
		fmt.Fprintf(out, "    and %d more that have it\n", n)
	case len(o.Holders) > 0:
	case b.Memory != nil:
		out.WriteString("    no other goroutine has it as an argument\n")
	default:
		out.WriteString("    no other goroutine has it in its frames; variables may have it\n")
	}
}

// writePlace writes where the program itself waits.
func writePlace(out *bufio.Writer, indent string, g *Group) {
	f := g.place()
	if f.File == "" {
		fmt.Fprintf(out, "%s%s\n", indent, f.Func)
		return
	}
	fmt.Fprintf(out, "%s%s  %s:%d\n", indent, f.Func, f.File, f.Line)
}

// place returns the innermost call that is not of packages runtime, sync, time or internal ones.
func (g *Group) place() Frame {
	for _, f := range g.Frames {
		if !inside(f.Func) && !strings.HasPrefix(f.Func, "internal/") && !strings.HasPrefix(f.Func, "time.") {
			return f
		}
	}
	if g.CreatedBy.Func != "" {
		f := g.CreatedBy
		f.Func = "what " + f.Func + " started"
		return f
	}
	return Frame{Func: "no function of the program"}
}

func (b *Blocked) leftOut(out *bufio.Writer, rest []Object, skipped string) {
	var all []string
	say := func(n int, text string) {
		if n > 0 {
			all = append(all, strconv.Itoa(n)+" "+text)
		}
	}
	say(len(rest), "objects with fewer waiters (-n N shows N)")
	say(b.More, "objects that did not fit")
	say(b.Dump.Filtered, "goroutines by the filter")
	say(b.Dump.Skipped, "goroutines "+skipped)
	say(b.Dump.Missing, "goroutines that did not fit into the memory allowed for a capture")
	if len(all) > 0 {
		fmt.Fprintf(out, "\nleft out: %s\n", strings.Join(all, ", "))
	}
}
