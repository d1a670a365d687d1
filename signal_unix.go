//go:build darwin || freebsd || (linux && (lazy_ossignal || !(amd64 || arm64)))

package lazy

import (
	"os"
	"os/signal"

	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/sighandler"
)

// tagged: os/signal does not report the value of a tagged ring.
const tagged = false

// A doorbell turns the signal into a session with os/signal: one goroutine is
// parked until the signal comes, and then answers the ring itself.
type doorbell struct {
	m    *manhole
	c    chan os.Signal
	done chan struct{}
}

func (b *doorbell) install(m *manhole) error {
	if err := sighandler.CheckOwner(m.sig); err != nil {
		return err
	}
	b.m = m
	b.c = make(chan os.Signal, 1)
	b.done = make(chan struct{})
	signal.Notify(b.c, m.sig)
	go mark.Session(b.wait)
	return nil
}

func (b *doorbell) wait() {
	defer close(b.done)
	for range b.c {
		if b.m.ctx.Err() == nil {
			b.m.ring(b.m.listen(b.m.path))
		}
	}
}

// setSocket does nothing: wait takes the manhole's socket.
func (b *doorbell) setSocket(int) {}

// clearSocket drops a ring that came during the session.
func (b *doorbell) clearSocket() {
	select {
	case <-b.c:
	default:
	}
}

// uninstall gives the signal back. When it returns, the doorbell does not touch
// the manhole any more.
func (b *doorbell) uninstall() error {
	signal.Stop(b.c)
	close(b.c)
	<-b.done
	return nil
}
