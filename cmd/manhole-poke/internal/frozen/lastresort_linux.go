package frozen

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/ringtag"
	"golang.org/x/sys/unix"
)

// contextSize is more than the registers take in a ucontext_t.
const contextSize = 512

// lastResortTime is how long the signal handler may take. It runs as soon as the
// kernel runs the thread.
const lastResortTime = 5 * time.Second

// LastResort has the signal handler of a process make a copy, for one whose
// scheduler is dead and that holds no session. It interrupts the thread that uses
// the most CPU, so that the copy has that thread's registers. p stays open.
func LastResort(ctx context.Context, p *process.Process) (*Copy, error) {
	if p.PID == 0 || p.ArmedNote == nil || !p.ArmedNote.Copies {
		return nil, exit.Errorf(exit.Unsupported, "unsupported", "the signal handler of %s makes no copies: its version of lazy is too old, or it only lets itself be observed (lazy.WithReadOnly)", p)
	}
	tid := busiest(ctx, p)
	c := &Copy{handle: -1, kills: true}
	if err := c.lastResort(ctx, p, tid); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Copy) lastResort(ctx context.Context, p *process.Process, tid int) error {
	if p.Exited() {
		return exit.Errorf(exit.Broken, "exited", "%s has exited", p)
	}
	exe, err := p.OpenProc("exe", unix.O_RDONLY)
	if err != nil {
		return p.SignalError(unix.EPERM)
	}
	file := os.NewFile(uintptr(exe), "executable")
	c.Exe = c.keep(file)
	if err := ringtag.AskForCopy(p.PID, tid, unix.Signal(p.ArmedNote.Signal)); err != nil {
		return p.SignalError(err)
	}
	c.Note.Taken = time.Now()
	c.Note.Why = "only the thread that was interrupted has its registers"
	ucontext := int64(0)
	again := time.Now().Add(time.Second)
	for late := time.Now().Add(lastResortTime); ; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(again) { // an earlier copy may have been about to end
			ringtag.AskForCopy(p.PID, tid, unix.Signal(p.ArmedNote.Signal))
			again = again.Add(time.Second)
		}
		err := c.search(p, file)
		if err == nil {
			if ucontext, err = interrupted(c.PID); err == nil {
				break
			}
		}
		if err != nil && !errors.Is(err, errNoCopy) {
			return exit.Errorf(exit.Denied, "permission", "the copy of %s cannot be read: %v; try as root", p, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().After(late) {
			return exit.Errorf(exit.Timeout, "no-copy", "the signal handler of %s made no copy within %v; the thread does not get signals (a system call that cannot be interrupted, no CPU), or there is a copy already, or no room for one: manhole-poke kernel %d shows more", p, lastResortTime, p.PID)
		}
	}
	c.Thread = &Thread{ID: innermost(p, tid), Context: make([]byte, contextSize)}
	_, err = c.Memory.ReadAt(c.Thread.Context, ucontext)
	if err != nil {
		return exit.Errorf(exit.Broken, "not-understood", "the registers in the copy of %s cannot be read: %v", p, err)
	}
	return nil
}

// interrupted returns the address of the interrupted registers, which the copy
// shows in arguments of its system call, package freeze.
func interrupted(pid int) (ucontext int64, err error) {
	text, err := procfs.ReadFile("/proc/" + strconv.Itoa(pid) + "/syscall")
	if err != nil {
		return 0, err
	}
	const tagArg, contextArg = 5, 6 // after the number
	f := strings.Fields(string(text))
	if len(f) <= contextArg {
		return 0, errNoCopy // it is not there yet
	}
	if tag, err := strconv.ParseUint(f[tagArg], 0, 64); err != nil || tag != ringtag.Copy {
		return 0, errNoCopy
	}
	if ucontext, err = strconv.ParseInt(f[contextArg], 0, 64); err != nil || ucontext == 0 {
		return 0, errors.New("there is a copy of an open session")
	}
	return ucontext, nil
}

// busiest returns the thread that uses the most CPU; the first one if none does.
func busiest(ctx context.Context, p *process.Process) (tid int) {
	before := used(p)
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond):
	}
	tid = p.PID
	most := time.Duration(0)
	for id, now := range used(p) {
		if d := now - before[id]; d > most {
			tid, most = id, d
		}
	}
	return tid
}

// maxThreads are looked at.
const maxThreads = 10_000

// used returns how much CPU each thread has used.
func used(p *process.Process) map[int]time.Duration {
	all := map[int]time.Duration{}
	dir, err := os.Open(p.Proc("task"))
	if err != nil {
		return all
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(maxThreads)
	for _, name := range names {
		id, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if text, err := procfs.ReadFile(p.Proc("task/" + name + "/schedstat")); err == nil {
			if s, err := procfs.ParseSchedstat(text); err == nil {
				all[id] = s.Ran
				continue
			}
		}
		if text, err := procfs.ReadFile(p.Proc("task/" + name + "/stat")); err == nil {
			if s, err := procfs.ParseStat(text); err == nil {
				all[id] = s.User + s.System
			}
		}
	}
	return all
}

// innermost returns the thread's ID in the process's own namespace.
func innermost(p *process.Process, tid int) int {
	text, err := procfs.ReadFile(p.Proc(fmt.Sprintf("task/%d/status", tid)))
	if err != nil {
		return tid
	}
	if s, err := procfs.ParseStatus(text); err == nil && len(s.NSPid) > 0 {
		return s.NSPid[len(s.NSPid)-1]
	}
	return tid
}

// A Thread is one whose registers are known.
type Thread struct {
	ID      int    // as the process knows it
	Context []byte // the beginning of a ucontext_t
}
