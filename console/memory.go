package console

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/memory"
	"github.com/go-manhole/lazy/stackdump"
)

// What a session allocates with the size of the program is compared with what
// the limits leave, so that a look at a process that is short of memory is not
// what kills it.

// What profiles need, in bytes, estimated upwards: records of the runtime,
// places in the code, and the packer.
const (
	perRecord  = 512
	perProfile = 4 << 20
	cpuNeed    = 8 << 20 // what the runtime collects before it is read, and the samples
	topFactor  = 30      // of a packed profile: unpacked, and its parts in maps
	someNeed   = 2 << 20 // a thousand lines of a list, or one value
	envFactor  = 10      // of the environment: secrets replaced, and quoted
)

// A shortage is the error for what may not fit into memory.
type shortage struct {
	what string
	need int64
	room memory.Room
}

func (e *shortage) Error() string {
	return fmt.Sprintf("%s needs about %s of memory, and %s", e.what, memory.Show(e.need), e.room)
}

// afford returns a *shortage unless need bytes fit into what is left.
func afford(what string, need int64) error {
	if room := memory.Left(); !room.Fits(need) {
		return &shortage{what, need, room}
	}
	return nil
}

// profileNeed estimates what it takes to write a profile.
func profileNeed(name string) int64 {
	n := 0
	switch name {
	case "cpu":
		return cpuNeed
	case "goroutine", "goroutineleak":
		return memory.Stacks(runtime.NumGoroutine()) + perProfile
	case "heap", "allocs":
		n, _ = runtime.MemProfile(nil, true)
	case "block":
		n, _ = runtime.BlockProfile(nil)
	case "mutex":
		n, _ = runtime.MutexProfile(nil)
	default:
		if p := pprof.Lookup(name); p != nil {
			n = p.Count()
		}
	}
	return int64(n)*perRecord + perProfile
}

// affordProfile returns a *shortage unless the profile fits, twice if it is to be
// compared with an earlier one.
func affordProfile(name string, twice bool) error {
	need := profileNeed(name)
	if twice {
		need *= 2
	}
	return afford("the profile "+name, need)
}

// writeProfile writes what pprof.Lookup knows by that name, if it fits.
func writeProfile(s *session, name string) error {
	if err := affordProfile(name, false); err != nil {
		return err
	}
	return pprof.Lookup(name).WriteTo(s.out, 0)
}

// short reports whether err is about memory.
func short(err error) bool {
	if _, ok := errors.AsType[*stackdump.MemoryError](err); ok {
		return true
	}
	_, ok := errors.AsType[*shortage](err)
	return ok
}

// forced reports whether the peer accepts that the process may be killed, which a
// session that only observes must not.
func (s *session) forced(a *args.Parsed) (bool, error) {
	if !a.Flag("force") {
		return false, nil
	}
	if s.cfg.ReadOnly {
		return false, errReadOnly
	}
	return true, nil
}

// howToForce adds to an error about memory what to do; it leaves others alone. or
// is what to try before.
func (s *session) howToForce(err error, or, command string, a *args.Parsed) error {
	switch {
	case err == nil || !short(err):
		return err
	case s.cfg.ReadOnly:
		return fmt.Errorf("%w; the process might be killed for it, and a session that only observes cannot force it; try %s", err, or)
	}
	line := []string{command}
	for _, w := range slices.Concat(a.Given, []string{"-force"}) {
		line = append(line, quoted(w))
	}
	return fmt.Errorf("%w; the process might be killed for it; try %s, or take it anyway with: %s", err, or, strings.Join(line, " "))
}
