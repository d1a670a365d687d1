package kernelview

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/gostack"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

// A view is a process as the kernel sees it, during the sample.
type view struct {
	process   string
	pid       int
	silent    bool // it was asked and did not answer
	took      time.Duration
	threads   []thread
	cpus      int  // how many it may use
	hidden    bool // system calls and wait channels are hidden
	barred    bool // those that run may not be traced
	isGo      bool
	noPreempt bool // GODEBUG=asyncpreemptoff=1
	tracer    int
	frozen    string       // its cgroup, if that is
	throttled string       // the cgroup that used up its quota of CPU time
	quota     cgroup.Quota // in the sample
	pressure  float64
	faults    uint64 // pages read from disk, in the sample
}

// A thread is a thread during the sample.
type thread struct {
	tid     int
	name    string
	state   byte          // the usual one, and so are call, fd, channel and stack
	used    time.Duration // CPU time since its start
	share   float64       // of one CPU
	kernel  float64       // the part of that in the kernel
	waited  float64       // the part of the sample in which it was ready and got no CPU
	turns   float64       // how often it got one, per second
	call    string        // the system call, "" if in none
	fd      int           // the descriptor of the call, or -1
	channel string        // the kernel function it waits in, or ""
	stack   []string      // in the kernel, if that matters and may be read
	still   bool          // it used no CPU time
	seen    []string      // the system calls it was found in, "" for none

	calls  []gostack.Frame // of the Go program, innermost first, if known
	walked bool            // they are known of the beginning and the end
	stops  bool            // it was stopping the world then
}

// report shows threads that are alike and nearly idle as one line.
func (v view) report() (text string, stuck bool) {
	w := new(strings.Builder)
	var share float64
	groups := map[string][]thread{}
	for _, t := range v.threads {
		share += t.share
		groups[t.kind()] = append(groups[t.kind()], t)
	}
	rows := slices.SortedFunc(maps.Values(groups), func(a, b []thread) int {
		return cmp.Or(-cmp.Compare(percent(a[0].share), percent(b[0].share)), -cmp.Compare(a[0].urgency(), b[0].urgency()), -cmp.Compare(len(a), len(b)), cmp.Compare(a[0].tid, b[0].tid))
	})

	fmt.Fprintf(w, "What the kernel knows of %s, watched for %v: %s, %.2f of %s used\n\n",
		printable.Line(v.process), v.took.Round(10*time.Millisecond), count(len(v.threads), "thread"), share, count(v.cpus, "CPU"))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "THREADS\tSTATE\tCPU\tUSED\tSYSTEM CALL\tWAITS IN\tNAME\tTID")
	for _, row := range rows {
		t := row[0]
		var used time.Duration
		for _, t := range row {
			used += t.used
		}
		call, channel := cmp.Or(t.callAndDescriptor(), "-"), cmp.Or(t.channel, "-")
		if v.hidden {
			call, channel = "?", cmp.Or(t.channel, "?")
		}
		fmt.Fprintf(table, "%d\t%s\t%d %%\t%v\t%s\t%s\t%s\t%s\n", len(row), stateName(t.state), percent(t.share), brief(used), call, channel, printable.Line(t.name), tids(row))
	}
	table.Flush()
	for _, row := range rows {
		if s := row[0].stack; len(s) > 1 {
			fmt.Fprintf(w, "\n%d waits in the kernel in %s\n", row[0].tid, strings.Join(s, " < "))
		}
	}
	if v.hidden {
		fmt.Fprintf(w, "\nuid %d may not see system calls and wait channels; try as root, with all capabilities.\n", os.Geteuid())
	}
	v.showCalls(w)
	lines, stuck := v.diagnosis()
	for _, line := range lines {
		fmt.Fprintf(w, "\n%s", printable.Line(line))
	}
	return w.String(), stuck
}

// showCalls shows where the threads are in the program, those that use the CPU
// first.
func (v view) showCalls(w io.Writer) {
	const max = 30
	groups := map[string][]thread{}
	for _, t := range v.threads {
		if len(t.calls) > 0 {
			text := shown(t.calls)
			groups[text] = append(groups[text], t)
		}
	}
	if len(groups) == 0 {
		return
	}
	rows := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		s, t := groups[a], groups[b]
		return cmp.Or(-cmp.Compare(percent(s[0].share), percent(t[0].share)), cmp.Compare(len(s), len(t)), cmp.Compare(s[0].tid, t[0].tid))
	})
	fmt.Fprintln(w)
	for _, text := range rows[:min(len(rows), max)] {
		fmt.Fprintf(w, "%s: %s\n", tids(groups[text]), printable.Line(text))
	}
	if len(rows) > max {
		fmt.Fprintf(w, "and %s in other places\n", count(len(rows)-max, "thread"))
	}
	if v.barred {
		fmt.Fprintf(w, "Where threads are that run, uid %d may not see: it may not trace them.\n", os.Geteuid())
	}
}

// kind returns a key that threads shown as one have in common.
func (t thread) kind() string {
	if percent(t.share) > 0 || t.state == 'R' {
		return strconv.Itoa(t.tid)
	}
	return strings.Join([]string{t.name, string(t.state), t.callAndDescriptor(), t.channel, strings.Join(t.stack, " ")}, "\x00")
}

func (t thread) urgency() int { return strings.IndexByte("SRD", t.state) }

func (t thread) callAndDescriptor() string {
	if t.fd < 0 {
		return t.call
	}
	return fmt.Sprintf("%s(%d)", t.call, t.fd)
}

func tids(threads []thread) string {
	const max = 8
	var b strings.Builder
	for i, t := range threads {
		if i == max {
			fmt.Fprintf(&b, " and %d more", len(threads)-max)
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(t.tid))
	}
	return b.String()
}

func percent(share float64) int { return int(100*share + 0.5) }

func brief(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Microsecond)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// stateName returns the name of a state of proc_pid_stat(5).
func stateName(state byte) string {
	switch state {
	case 'R':
		return "running"
	case 'S':
		return "sleeping"
	case 'D':
		return "uninterruptible"
	case 'T':
		return "stopped"
	case 't':
		return "traced"
	case 'Z':
		return "zombie"
	case 'X':
		return "dead"
	}
	return string(rune(state))
}
