//go:build (amd64 || arm64) && !lazy_ossignal

package lazy

import (
	"fmt"
	"time"

	"github.com/go-manhole/lazy/internal/sigmask"
	"github.com/go-manhole/lazy/internal/signame"
)

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
func (m *manhole) warnIfNotified() {
	if m.warned {
		return
	}
	if notified, _ := sigmask.Notified(0, int(m.sig)); !notified {
		return
	}
	m.warned = true
	m.log.Warn(fmt.Sprintf("lazy: this program is notified of %s itself, so kill -%s also has it do whatever it does then; manhole-poke opens a session without that, and WithSignal chooses another signal%s",
		signame.Name(m.sig), signame.ForKill(m.sig), freeSignals(m.sig)))
}
