package stackdump

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
)

// maxArgs bounds the different arguments that are kept of a group.
const maxArgs = 1000

// argumentSet returns the place of the arguments in the group, or -1 if there is no
// room for them.
func (g *grouper) argumentSet(group *groupBuilder, args []byte) int32 {
	g.args = certain(g.args[:0], args)
	if i, ok := group.byArgs[string(g.args)]; ok {
		return int32(i)
	}
	if len(group.args) == maxArgs || !g.hold(150+2*len(args)) {
		return -1
	}
	if group.byArgs == nil {
		group.byArgs = map[string]int{}
	}
	group.byArgs[string(g.args)] = len(group.args)
	group.args = append(group.args, string(args))
	return int32(len(group.args) - 1)
}

// certain appends to b the arguments without those that a question mark follows. What
// these are does not set goroutines apart; the first one's stand for all.
func certain(b, args []byte) []byte {
	for {
		i := bytes.IndexByte(args, '?')
		if i < 0 {
			return append(b, args...)
		}
		from := max(0, bytes.LastIndex(args[:i], []byte("0x")))
		b = append(append(b, args[:from]...), '?')
		args = args[i+1:]
	}
}

// renderArgs writes the stack with its three most frequent arguments.
func (g *Group) renderArgs(b *bufio.Writer) {
	counts := make([]int, len(g.args))
	for _, i := range g.argsOf {
		if i >= 0 {
			counts[i]++
		}
	}
	rest := g.Count
	for range 3 {
		most := 0
		for i, n := range counts {
			if n > counts[most] {
				most = i
			}
		}
		if len(counts) == 0 || counts[most] == 0 {
			break
		}
		if counts[most] < g.Count {
			fmt.Fprintf(b, "    with these arguments (%d):\n", counts[most])
		}
		rest -= counts[most]
		counts[most] = 0
		g.renderCalls(b, strings.Split(g.args[most], "\n"))
	}
	if rest > 0 {
		fmt.Fprintf(b, "    and with others (%d)\n", rest)
	}
}

// renderCalls writes the calls with the arguments of each.
func (g *Group) renderCalls(b *bufio.Writer, args []string) {
	for i := 0; i < len(g.Frames) && i < len(args); {
		f, n := g.Frames[i], 1
		for i+n < len(g.Frames) && i+n < len(args) && g.Frames[i+n] == f && args[i+n] == args[i] {
			n++
		}
		frameLine(b, "    ", f.Func+args[i], f, 0)
		if n > 1 {
			fmt.Fprintf(b, "    (%d times)\n", n)
		}
		i += n
	}
}
