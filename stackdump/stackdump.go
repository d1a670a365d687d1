// Package stackdump captures the stacks of all goroutines of this process,
// groups the identical ones, and renders them for a person to read.
//
// # Two ways to capture
//
// A full capture ([runtime.Stack]) knows each goroutine's id, its state in the
// runtime's words, how long it has waited, who created it and whether it is
// locked to a thread. It stops the world for as long as it takes: see
// [Estimate].
//
// A grouped capture (the goroutine profile of [runtime/pprof]) stops the world
// for 0.2 milliseconds with 100,000 goroutines and 4 with a million. It knows the stacks and the labels,
// but no ids, wait times or creators. The profile does not tell the state
// either: it is read off the runtime's own functions at the top of each stack.
//
// [Capture] takes the full way in a process of up to [Options].Limit goroutines
// and the grouped way above that, unless [Options].Full asks for the former.
//
// # What is in a dump and what is not
//
// Nothing is left out silently. [Dump].Total counts every goroutine there was;
// those in no group are counted as Skipped, Filtered or Missing, and
// [Dump.Render] says so in its last lines.
//
// The goroutines that belong to the runtime itself (the garbage collector's
// workers and the like) are in neither capture, because the runtime does
// not show them. The few that it does show (finalizers and cleanups while they run,
// the profile writer, os/signal's loop) are in the dump with System set, and
// out of the way unless [Filter].System asks for them.
//
// # More than one process
//
// [Dump.WriteJSON] writes a dump for programs, [ReadJSON] reads it in another
// process, and [Merge] counts the goroutines of many processes together, so
// that those of a hundred workers are one answer.
//
// # Memory
//
// While it lasts, a grouped capture takes some 800 bytes for each goroutine with
// a dozen frames, nearly all of it the runtime's. A full capture takes that for the labels, and
// before that the length of the text, which is some 100 bytes for each frame; it
// lies outside of Go's heap and goes back to the system at once. The text is
// bounded by 4 GiB (64 MiB where pointers have 32 bits) and by half of what
// the system and the container have left. What stays, the Dump, is bounded by
// 64 MiB: some 100,000 different stacks, or the ids of four million goroutines.
//
// If that may be more than is left, of the memory of the system, by the limits
// of the cgroup, RLIMIT_AS and RLIMIT_DATA, or by GOMEMLIMIT, [Capture] fails with
// a *[MemoryError] instead, unless [Options].Force is set.
//
// # Limits
//
//   - The runtime notes the start of a wait only when the garbage collector
//     comes by, and prints whole minutes. So a wait is really longer than shown,
//     by up to the time between two collections (two minutes at most), and one
//     shorter than a minute is not shown.
//   - In a grouped capture a goroutine that has been woken but has not run yet
//     still counts as waiting, and "running" is only the one that takes the
//     capture: all others are "runnable" then, as they are in a full capture,
//     where the world stands still.
//   - In a grouped capture what a synctest bubble and a goroutineleak profile
//     add to a state ("durable", "leaked") is not known.
//   - The runtime prints the 50 innermost and 50 outermost frames of a deep
//     stack; the profile holds the 128 innermost, or as many as profstackdepth in
//     GODEBUG says. What is missing is marked by a frame whose Func says so, and
//     Render counts the stacks in which a Filter could not see all.
//
// All functions may be called from several goroutines at once. A Dump is not
// changed by anything here once it is made.
package stackdump

import (
	"context"
	"runtime"
	"time"
)

// DefaultLimit is the number of goroutines up to which a capture is a full one.
// The stop of a full capture is then some 4 to 13 milliseconds.
const DefaultLimit = 1000

// Options says how to capture. The zero value is ready to use.
type Options struct {
	// Full forces a full capture whatever the number of goroutines. It stops
	// the world for about Estimate(runtime.NumGoroutine()).
	Full bool

	// Limit is the number of goroutines up to which a capture is a full one;
	// 0 means DefaultLimit, a negative number that it is always grouped.
	Limit int

	// Force captures even if the memory that a capture needs does not fit into
	// what the process may still allocate. It may then be killed.
	Force bool

	// Objects has a full capture find channels and RWMutexes too (see
	// Group.Object). It reads the runtime's memory, on Linux on amd64 and arm64
	// only, with Go 1.26 and 1.27.
	Objects bool

	// Args keeps the arguments of the calls, which Render writes as the runtime
	// does. Only a full capture has them, and JSON does not.
	Args bool

	// SkipFunc, if not empty, is the name of a function, such as "main.main".
	// Goroutines with it in their stack are left out and counted in
	// Dump.Skipped. A grouped capture sees the 128 innermost frames.
	SkipFunc string
}

// Dump is one capture of all goroutines.
type Dump struct {
	Taken   time.Time     // when the capture began
	Elapsed time.Duration // how long it took in all
	Stopped time.Duration // how long the world stood still for a full capture; 0 if grouped
	Full    bool          // taken the full way

	Total    int // goroutines in the process when the dump was taken
	Skipped  int // of those, left out by Options.SkipFunc
	Filtered int // left out by Filter
	Missing  int // left out because they did not fit into the memory allowed for a capture

	// Dumps is how many dumps Merge made this one of, and Grouped how many of
	// them were not taken the full way. Both are 0 in what Capture returns.
	Dumps, Grouped int

	Groups []Group // largest first

	system        bool // Filter asked for the runtime's own
	labelsDropped int  // goroutines whose labels did not fit
	objects, args bool // of Options

	folded []foldedCount // of Filtered, those that idle
	unseen int           // goroutines with frames that the dump lacks and a Filter asked for

	fullStop time.Duration // of a grouped capture: how long a full one would stop the world
}

// Group is one or more goroutines with the same stack in the same state.
type Group struct {
	Count  int
	Dumps  int    // of Dump.Dumps, those that the group was in
	State  string // in the runtime's words, such as "chan receive"
	Locked bool   // locked to its thread; known only in a full capture
	System bool   // serves the runtime, not the program

	// MinWait and MaxWait are the shortest and the longest wait in whole
	// minutes. Both are 0 in a grouped capture.
	MinWait, MaxWait time.Duration

	// IDs are the goroutines' ids in ascending order: none in a grouped
	// capture, and fewer than Count if they are not known of all.
	IDs []uint64

	// Labels are the sets of runtime/pprof labels in the group, the most
	// frequent first. Goroutines without labels are in none of them.
	Labels []LabelSet

	// Frames is the stack, innermost first. A frame without a File stands for
	// what is not there, such as "...201 frames elided...".
	Frames []Frame

	// CreatedBy is the go statement that started the goroutines, and Parent
	// the id of the goroutine that executed it, 0 if it was not always the
	// same. Both are known only in a full capture.
	CreatedBy Frame
	Parent    uint64

	// Ancestors are the goroutines that led to this one, its creator first. They
	// are known only in a full capture with tracebackancestors in GODEBUG.
	Ancestors []Ancestor

	// Of each goroutine in IDs: its wait in minutes, and its place in Labels
	// or -1; sets is nil if the labels came from elsewhere than the ids. objects
	// is what it waits for, or 0, and nil if that is known of none.
	waits   []int32
	sets    []int32
	objects []uint64

	// args are the different arguments that the stack was called with, a line for
	// each frame, and argsOf the place of those of each goroutine in IDs, or -1.
	args   []string
	argsOf []int32
}

// Frame is one call.
type Frame struct {
	Func string `json:"func"` // as the runtime prints it, such as "main.(*T).Method"
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// LabelSet is one combination of runtime/pprof labels.
type LabelSet struct {
	Count  int     // goroutines of the group that carry it
	Labels []Label // sorted by key
}

// Label is a key and a value set with [runtime/pprof.Do] or
// [runtime/pprof.SetGoroutineLabels].
type Label struct {
	Key, Value string
}

// Capture takes a dump of all goroutines, the calling one included. How, the
// package's documentation tells.
//
// It fails with a *[MemoryError] if the memory that it needs does not fit into
// what is left, before anything is allocated, and with the cause of ctx if that is
// done; the runtime's part of the work is not interrupted, but what follows is.
func Capture(ctx context.Context, o Options) (*Dump, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	limit := o.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	n := runtime.NumGoroutine()
	full := o.Full || n <= limit
	held, err := checkMemory(n, full, o.Force)
	if err != nil {
		return nil, err
	}
	d := &Dump{Taken: time.Now(), objects: o.Objects, args: o.Args}
	g := newGrouper(o.SkipFunc)
	g.max = held
	if full {
		err = d.full(ctx, g, n, o.Force)
	} else {
		err = d.grouped(ctx, g)
	}
	if err != nil {
		return nil, err
	}
	d.Skipped, d.Missing, d.labelsDropped = g.skipped, d.Missing+g.missing, g.labelsDropped
	d.Groups = g.groups()
	if !d.Full {
		d.fullStop = estimate(d.Groups)
	}
	d.Elapsed = time.Since(d.Taken)
	return d, nil
}
