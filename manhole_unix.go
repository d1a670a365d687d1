//go:build linux || darwin || freebsd

package lazy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const defaultSignal = syscall.SIGUSR2

// A manhole is what an armed process has: two descriptors and a doorbell.
// After arm only the doorbell's goroutine, while it answers a ring, and disarm, when
// there is none any more, touch the descriptors.
type manhole struct {
	config
	sig    unix.Signal
	ctx    context.Context // ends with disarm
	cancel context.CancelCauseFunc

	sock  int // made for the next ring, or -1
	spare int // given up when there is no descriptor for a peer, or -1
	bell  doorbell

	logStuck atomic.Bool // the program's logger has not returned from a record
}

var errDisarmed = errors.New("the program disarmed its manhole")

func arm(c config) (*manhole, error) {
	sig, err := checkSignal(c.signal)
	if err != nil {
		return nil, err
	}
	var passed error
	if c.path == "" {
		c.path, passed, err = choosePath()
	} else {
		c.path, err = checkPath(c.path)
	}
	if err != nil {
		return nil, err
	}
	m := &manhole{config: c, sig: sig, sock: -1, spare: -1}
	m.ctx, m.cancel = context.WithCancelCause(context.Background())
	if err = startPoller(); err == nil {
		err = m.stock()
	}
	if err == nil {
		err = m.bell.install(m)
	}
	if err != nil {
		m.release()
		return nil, err
	}
	if passed != nil {
		m.log().Warn("lazy: the socket will open elsewhere than usual", "path", m.path, "why", oneLine(passed))
	}
	return m, nil
}

func (m *manhole) disarm() error {
	m.cancel(errDisarmed)
	err := m.bell.uninstall()
	if m.sock >= 0 && bound(m.sock) {
		// Rung, but not yet noticed.
		err = errors.Join(err, removeOwn(m.path))
	}
	m.release()
	return err
}

func (m *manhole) String() string {
	return fmt.Sprintf("%s opens %s; call Disarm first to change that", signalName(m.sig), m.path)
}

// stock makes what the next ring needs and is not there.
func (m *manhole) stock() (err error) {
	if m.sock < 0 {
		if m.sock, err = newSocket(); err != nil {
			return err
		}
	}
	if m.spare < 0 {
		m.spare, err = newSpare(m.sig, m.path)
	}
	return err
}

// startPoller has the runtime start its poller now. A program without timers
// and network has none yet; the first timer, of a session at the latest, starts
// it, and the runtime throws when it gets no descriptors for it (netpollinit in
// runtime/netpoll_epoll.go).
func startPoller() (err error) {
	defer func() {
		if err == nil {
			time.AfterFunc(time.Hour, func() {}).Stop()
		}
	}()
	for range 4 {
		fd, err := newSocket() // there is no /dev/null in an empty chroot
		if err != nil {
			return fmt.Errorf("four descriptors are needed, two of them for the runtime's poller: %w; raise the limit (ulimit -n) or arm earlier", err)
		}
		defer unix.Close(fd)
	}
	return nil
}

func (m *manhole) release() {
	m.discardSocket()
	m.giveUpSpare()
}

func (m *manhole) discardSocket() {
	if m.sock >= 0 {
		// For peers in the queue, also when a forked child has the socket.
		unix.Shutdown(m.sock, unix.SHUT_RDWR)
		unix.Close(m.sock)
		m.sock = -1
	}
}

// giveUpSpare frees a descriptor, if it still can.
func (m *manhole) giveUpSpare() bool {
	if m.spare < 0 {
		return false
	}
	unix.Close(m.spare)
	m.spare = -1
	return true
}

// checkSignal leaves only signals that nobody else depends on: the Go runtime
// passes over them when no signal.Notify asks for them (runtime/sigtab_*.go),
// so that a ring does nothing but ring.
func checkSignal(sig os.Signal) (unix.Signal, error) {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return 0, fmt.Errorf("WithSignal(%v): not a signal of this system", sig)
	}
	if !slices.Contains(idleSignals, s) && !realTime(s) {
		return 0, fmt.Errorf("WithSignal(%s): that signal means something to the Go runtime or ends the program; choose SIGUSR1 or SIGUSR2", signalName(s))
	}
	return s, nil
}
