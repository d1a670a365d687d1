package commands

import "github.com/go-manhole/lazy/internal/frame"

// top returns the options of a profile that can be shown as text.
func top(more ...frame.Option) []frame.Option {
	return append([]frame.Option{
		{Name: "top", What: "the functions with the most, as text, instead of the file", Text: true},
		{Name: "cum", What: "with -top: sorted by cumulative value"},
		{Name: "n", Arg: "N", What: "with -top: N functions instead of 20", Values: []string{"5", "10", "20"}},
		{Name: "focus", Arg: "REGEXP", What: "-top of the stacks with a matching function only", Text: true},
		{Name: "peek", Arg: "REGEXP", What: "-top of the matching functions only, with what calls them and what they call", Text: true},
		{Name: "tree", What: "-top, with what calls each function and what it calls", Text: true},
		{Name: "list", Arg: "REGEXP", What: "the source lines of matching functions with what each has (manhole-poke only)", Text: true},
		force,
	}, more...)
}

// collects is an option of profiles of the heap.
var collects = frame.Option{Name: "gc", What: "with heap and allocs: collect garbage before; with DURATION, before and after"}

// overTime is what is to say of DURATION where a profile exists already.
const overTime = "With DURATION the answer is what changed in that time, as with net/http/pprof's parameter seconds. " +
	"What became less is negative, and the percentages are of the sum of all amounts, as in go tool pprof."

func profiling() []frame.Command {
	return []frame.Command{
		{
			Name: "pprof-cpu", Usage: "[DURATION] [-top]", Topic: CPU, Binary: true,
			What:    "a CPU profile of 30 s, for go tool pprof (binary)",
			Args:    []frame.Arg{{Name: "DURATION"}},
			Options: top(),
			Notes:   []string{"Enter ends the profile early."},
			Example: "pprof-cpu 10s -top",
		},
		{
			Name: "pprof-heap", Usage: "[DURATION] [-top]", Topic: Memory, Binary: true,
			What:    "which functions allocated what is in the heap, or grew in DURATION (binary)",
			Args:    []frame.Arg{{Name: "DURATION"}},
			Options: top(collects),
			Notes: []string{
				"It shows the heap as of the last collection. Use -gc, or run gc first, to see it as it is now.",
				overTime + " If no collection ended in it there is nothing to see; the answer says how many did. " +
					"-gc is not available in a session that only observes (WithReadOnly).",
			},
			Example: "pprof-heap 10s -top",
		},
		{
			Name: "memstats", Topic: Memory,
			What:    "figures of allocator and collector (stops the world for some microseconds)",
			Example: "memstats",
		},
		{
			Name: "metrics", Usage: "[REGEXP] [-json]", Topic: Memory,
			What:    "everything in runtime/metrics, histograms as percentiles",
			Args:    []frame.Arg{{Name: "REGEXP"}},
			Options: []frame.Option{{Name: "json", What: "lines of JSON, histograms as [bound, count] of their buckets"}},
			Example: "metrics '^/sched/'",
		},
		{
			Name: "fds", Usage: "[REGEXP] [OPTION]...", Topic: Leaks,
			What: "open descriptors; sockets with peer, queues, idle time, who waits",
			Args: []frame.Arg{{Name: "REGEXP", What: "what a line must match"}},
			Options: []frame.Option{
				{Name: "idle", Arg: "DURATION", What: "TCP connections on which nothing was received or sent for at least this long, the idlest first",
					Values: []string{"1m", "5m", "1h"}},
				{Name: "state", Arg: "TEXT", What: "sockets whose state contains TEXT, the idlest first",
					Values: []string{"established", "close-wait", "fin-wait", "syn-sent", "listen", "connected"}},
				{Name: "sort", What: "the idlest first"},
				{Name: "who", What: "also in a process with more than 1,000 goroutines, which of them wait on a descriptor; " +
					"stops the world, and announces for how long"},
				{Name: "n", Arg: "N", What: "only the first N lines", Values: []string{"5", "10", "20"}},
			},
			Notes: []string{
				"Unread are the bytes that the program has not read, unacknowledged those that it has written and the peer's kernel does not have. " +
					"Idle counts data alone, not keep-alive probes; what was never received or sent counts since the connection was established. " +
					"The kernel keeps it for TCP, and for at most 49 days.",
			},
			Example: "fds -idle 5m",
		},
		{
			Name: "blocked", Usage: "[FILTER]...", Topic: Waiting,
			What:    "what goroutines wait for, and which may hold it; likely deadlocks",
			Options: blockedOptions(),
			Notes: []string{
				"It stops the world as stack full does, and announces for how long. " +
					"Afterwards it reads the memory of the runtime and the stacks, with process_vm_readv(2), which never faults: " +
					"that finds channels, and locks that are no argument. Linux on amd64 and arm64 only, with Go 1.26 and 1.27; " +
					"elsewhere Mutex, WaitGroup and Cond are known from the text of the runtime.",
				"A goroutine may hold a lock if the lock, or a struct that begins up to 128 bytes before it, is an argument of its functions, " +
					"or if the address is on its stack. A lock that it unlocked before may still be there.",
			},
			Forms: []frame.Form{{
				Name: "json", Usage: "[FILTER]...",
				What:    "for programs: one line of JSON for the whole, then one for each object",
				Options: blockedOptions(),
				Notes:   []string{"For the fields see go doc github.com/go-manhole/lazy/stackdump Blocked.WriteJSON"},
				Example: "blocked json",
			}},
			Example: "blocked -min-wait 1m",
		},
		{
			Name: "pprof", Usage: "[NAME [DURATION]] [-top]", Topic: Waiting, Binary: true,
			What: "block and mutex (waits that have ended), goroutine, ... (binary); alone a list",
			Args: []frame.Arg{{Name: "NAME", Of: "profile"}, {Name: "DURATION"}},
			Options: top(collects,
				frame.Option{Name: "total", What: "with block and mutex: what the program itself has sampled since it began, at once"},
				frame.Option{Name: "rate", Arg: "NANOSECONDS",
					What: "with block: sample at this rate whatever the program set, and switch sampling off afterwards"}),
			Notes: []string{
				"block and mutex have only waits that have ended. blocked shows those that go on.",
				overTime,
				"block and mutex take 10 s unless DURATION is given, and sample only for that time: one contention in 10, " +
					"blocking from 10 µs on. If the program itself samples, its setting is left alone. " +
					"The rate of block sampling cannot be read: it is assumed to be on if there are events that the console did not cause, " +
					"and switched off afterwards if not.",
				"The runtime does not see, in mutex, one that goroutines have queued for without a break since before the sampling; " +
					"block shows those that wait for it.",
				"goroutineleak has the goroutines that can never be woken. " +
					"Programs built with Go 1.27 or later have it, those built with Go 1.26 only with GOEXPERIMENT=goroutineleakprofile. " +
					"It collects garbage to find them, which takes as long as gc does; afterwards stack full -state leaked shows them too. " +
					"It and -rate are not available in a session that only observes (WithReadOnly).",
				"What the session itself does is left out of what changed in DURATION.",
			},
			Example: "pprof mutex 10s -top",
		},
	}
}
