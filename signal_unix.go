//go:build darwin || freebsd || (linux && (lazy_ossignal || !(amd64 || arm64)))

package lazy

import (
	"os"
	"os/signal"
)

// A doorbell turns the signal into a session by os/signal: one goroutine is
// parked until the signal comes, and then answers the ring itself.
type doorbell struct {
	m    *manhole
	c    chan os.Signal
	done chan struct{}
}

func (b *doorbell) install(m *manhole) error {
	if err := unowned(m.sig); err != nil {
		return err
	}
	b.m = m
	b.c = make(chan os.Signal, 1)
	b.done = make(chan struct{})
	signal.Notify(b.c, m.sig)
	go b.wait()
	return nil
}

func (b *doorbell) wait() {
	defer close(b.done)
	for range b.c {
		if b.m.ctx.Err() == nil {
			b.m.ring(listen(b.m.sock, b.m.path))
		}
	}
}

// load has nothing to do: wait has the socket.
func (b *doorbell) load(int) {}

// unload forgets a ring that came during the session.
func (b *doorbell) unload() {
	select {
	case <-b.c:
	default:
	}
}

// uninstall gives the signal back and returns when nobody touches the manhole
// any more.
func (b *doorbell) uninstall() error {
	signal.Stop(b.c)
	close(b.c)
	<-b.done
	return nil
}
