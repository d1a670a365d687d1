//go:build (amd64 || arm64) && !lazy_ossignal

package lazy

import (
	"fmt"
	"sync"
	"time"

	"github.com/go-manhole/lazy/internal/freeze"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/pollconn"
	"github.com/go-manhole/lazy/internal/sighandler"
	"github.com/go-manhole/lazy/internal/sigmask"
	"github.com/go-manhole/lazy/internal/signame"
	"golang.org/x/sys/unix"
)

// A doorbell turns the signal into a session without a goroutine that waits: the
// signal handler opens the socket, and a timer notices.
type doorbell struct {
	m       *manhole
	handler *sighandler.Handler
	turn    sync.Mutex // held while a tick looks or answers a ring
	timer   *time.Timer
	backoff pollBackoff
	looks   schedule // for the program's own use of the signal
	warned  bool     // of that
	copy    int      // PID of the copy that the handler made
}

// tagged: the handler knows a tagged ring, package ringtag.
const tagged = true

func (b *doorbell) install(m *manhole) (err error) {
	b.m = m
	b.turn.Lock() // the first tick waits until all is set
	defer b.turn.Unlock()
	var copier uintptr
	if !m.readOnly {
		copier = freeze.Offer()
	}
	if b.handler, err = sighandler.Install(m.sig, m.path, m.sock.N(), copier); err != nil {
		freeze.Withdraw()
		return err
	}
	b.timer = time.AfterFunc(b.backoff.restart(), b.tick)
	b.looks.begin()
	return nil
}

// setSocket gives the handler the socket for the next ring.
func (b *doorbell) setSocket(sock int) { b.handler.SetSocket(sock) }

// clearSocket is called when a session is over, before its file goes, so that
// no ring is lost once the file is gone: one that comes before setSocket fails,
// and is answered by manhole.open.
func (b *doorbell) clearSocket() { b.handler.ClearSocket() }

// tick runs in a timer's goroutine, for some microseconds unless the signal has
// come.
func (b *doorbell) tick() {
	b.turn.Lock()
	defer b.turn.Unlock()
	if b.m.ctx.Err() != nil {
		return
	}
	b.collectCopy()
	next := pollconn.PollInterval
	defer func() {
		if b.m.ctx.Err() == nil {
			b.timer.Reset(next)
		}
	}()
	switch state, err := b.handler.State(); state {
	case sighandler.Armed:
		next = b.backoff.next()
		if b.m.sock.N() < 0 || b.m.spare.N() < 0 {
			// There was no descriptor when the last session ended, or the
			// program has closed ours.
			b.m.ensureDescriptors()
			b.setSocket(b.m.sock.N())
		}
		b.handler.ChooseThread()
		if b.looks.due() {
			b.warnIfNotified()
		}
	case sighandler.Open, sighandler.Failed:
		b.warnIfNotified()
		mark.Session(func() { b.m.ring(err) })
		next = b.backoff.restart()
	}
}

// uninstall gives the signal back. When it returns, neither handler nor tick
// touches the manhole any more.
func (b *doorbell) uninstall() error {
	err := b.handler.Restore()
	b.turn.Lock() // an open session ends, since the manhole's context is done
	defer b.turn.Unlock()
	b.timer.Stop()
	b.handler.Disable()
	freeze.Withdraw()
	return err
}

// collectCopy notices a copy that the handler was asked for while no Go code ran.
func (b *doorbell) collectCopy() {
	pid, gone := freeze.Collect()
	if pid != 0 && pid != b.copy {
		b.m.log.Warn("lazy: the signal handler was asked for a frozen copy of the process", "pid", pid)
	}
	if gone {
		pid = 0
	}
	b.copy = pid
}

// tickCost is about what a tick costs an idle process, whose sleeping threads it
// wakes: between 200 and 350 microseconds of CPU were measured on one machine.
// In a busy process it is a small fraction of that.
const tickCost = 300 * time.Microsecond

// The shares of one core that ticks may take: the first always, the second of
// the CPU time that the process uses.
const (
	idleShare = 0.0004
	busyShare = 0.02
)

const (
	minTick = pollconn.PollInterval
	maxTick = 800 * time.Millisecond // about tickCost / idleShare
)

// A pollBackoff says when to look for the signal next: soon in a process that
// burns CPU, where a prompt answer matters, seldom in one that sleeps, so that
// it can go on sleeping. At first, and after a session, it starts fast and slows
// down, since another ring is likely then.
type pollBackoff struct {
	limit time.Duration
	wall  time.Time
	cpu   time.Duration
}

// restart returns the first interval.
func (t *pollBackoff) restart() time.Duration {
	t.limit = 2 * minTick
	t.wall, t.cpu = time.Now(), processCPU()
	return t.limit
}

// next returns the next interval.
func (t *pollBackoff) next() time.Duration {
	wall, cpu := time.Now(), processCPU()
	cores := float64(cpu-t.cpu) / float64(max(wall.Sub(t.wall), 1))
	t.wall, t.cpu = wall, cpu
	t.limit = min(2*t.limit, maxTick)
	return min(tickInterval(cores), t.limit)
}

// tickInterval is the time between ticks in a process that uses so many cores.
func tickInterval(cores float64) time.Duration {
	d := time.Duration(float64(tickCost) / (idleShare + busyShare*cores))
	return min(max(d, minTick), maxTick)
}

// processCPU returns the CPU time that all threads have used.
func processCPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// A schedule says when to look for something that most likely happens soon after
// Arm: often at first, and no more after some hours.
type schedule struct {
	start time.Time
	next  time.Duration
}

const (
	firstLook = time.Second
	lastLook  = 12 * time.Hour
)

func (s *schedule) begin() { s.start, s.next = time.Now(), firstLook }

// due reports whether it is time for another look.
func (s *schedule) due() bool {
	if s.next > lastLook || time.Since(s.start) < s.next {
		return false
	}
	s.next *= 3
	return true
}

// warnIfNotified logs one warning if the program uses the signal itself, since a
// plain kill is passed on to it.
func (b *doorbell) warnIfNotified() {
	m := b.m
	if b.warned {
		return
	}
	if notified, _ := sigmask.Notified(0, int(m.sig)); !notified {
		return
	}
	b.warned = true
	m.log.Warn(fmt.Sprintf("lazy: this program is notified of %s itself, so kill -%s also has it do whatever it does then; manhole-poke opens a session without that, and WithSignal chooses another signal%s",
		signame.Name(m.sig), signame.ForKill(m.sig), freeSignals(m.sig)))
}
