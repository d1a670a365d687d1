//go:build linux || darwin || freebsd

package lazy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/internal/safely"
	"github.com/go-manhole/lazy/internal/sighandler"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/go-manhole/lazy/internal/sockfile"
	"golang.org/x/sys/unix"
)

const defaultSignal = syscall.SIGUSR2

// A manhole is what an armed process holds: two descriptors and a doorbell. Once
// armed, only the goroutine that answers a ring touches the descriptors, and
// disarm when there is none any more.
type manhole struct {
	config
	sig    syscall.Signal
	ctx    context.Context // done once disarmed
	cancel context.CancelCauseFunc
	log    *slog.Logger // the program's, called safely

	sock  int // for the next ring, or -1
	spare int // given up when there is no descriptor for a peer, or -1
	bell  doorbell
}

var errDisarmed = errors.New("the program called Disarm")

func arm(c config) (*manhole, error) {
	sig, err := checkSignal(c.signal)
	if err != nil {
		return nil, err
	}
	var passedOver error
	if c.path == "" {
		c.path, passedOver, err = sockfile.ChoosePath()
	} else {
		c.path, err = sockfile.CheckPath(c.path)
	}
	if err != nil {
		return nil, err
	}
	m := &manhole{config: c, sig: sig, log: c.safeLogger(), sock: -1, spare: -1}
	m.ctx, m.cancel = context.WithCancelCause(context.Background())
	if err = startPoller(); err == nil {
		err = m.ensureDescriptors()
	}
	if err == nil {
		err = m.bell.install(m)
	}
	if err != nil {
		m.release()
		return nil, err
	}
	if passedOver != nil {
		m.log.Warn("lazy: the socket is not at its usual path", "path", m.path, "why", oneLine(passedOver))
	}
	return m, nil
}

func (m *manhole) disarm() error {
	m.cancel(errDisarmed)
	err := m.bell.uninstall()
	if m.sock >= 0 && sockfile.Bound(m.sock) {
		// Rung, but not yet noticed.
		err = errors.Join(err, sockfile.RemoveBound(m.path))
	}
	m.release()
	return err
}

func (m *manhole) String() string {
	return fmt.Sprintf("%s opens %s; call Disarm first to change that", signame.Name(m.sig), m.path)
}

// ensureDescriptors makes those descriptors for the next ring that are missing.
func (m *manhole) ensureDescriptors() (err error) {
	if m.sock < 0 {
		if m.sock, err = sockfile.New(); err != nil {
			return err
		}
	}
	if m.spare < 0 {
		m.spare, err = sockfile.NewSpare(m.sig, m.path)
	}
	return err
}

func (m *manhole) release() {
	m.discardSocket()
	m.giveUpSpare()
}

func (m *manhole) discardSocket() {
	if m.sock >= 0 {
		// For clients in the queue, also if a forked child has the socket.
		unix.Shutdown(m.sock, unix.SHUT_RDWR)
		unix.Close(m.sock)
		m.sock = -1
	}
}

// giveUpSpare frees a descriptor, and reports whether it could.
func (m *manhole) giveUpSpare() bool {
	if m.spare < 0 {
		return false
	}
	unix.Close(m.spare)
	m.spare = -1
	return true
}

// startPoller makes the runtime start its network poller now. A program without
// timers and network has none yet; the first timer, at the latest that of a
// session, starts it, and the runtime throws if it gets no descriptors for it
// (netpollinit in runtime/netpoll_epoll.go).
func startPoller() (err error) {
	defer func() {
		if err == nil {
			time.AfterFunc(time.Hour, func() {}).Stop()
		}
	}()
	for range 4 {
		fd, err := sockfile.New() // an empty chroot has no /dev/null
		if err != nil {
			return fmt.Errorf("no room for four descriptors, two of them for the runtime's poller: %w; raise the limit (ulimit -n) or arm earlier", err)
		}
		defer unix.Close(fd)
	}
	return nil
}

// checkSignal allows only signals that nothing else depends on.
func checkSignal(sig os.Signal) (syscall.Signal, error) {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return 0, fmt.Errorf("WithSignal(%v): not a signal of this system", sig)
	}
	if !sighandler.Usable(s) {
		return 0, fmt.Errorf("WithSignal(%s): that signal means something to the Go runtime or ends the program; choose SIGUSR1 or SIGUSR2", signame.Name(s))
	}
	return s, nil
}

// safeLogger returns the logger of WithLogger, or whatever slog.Default returns
// at the time of a record.
func (c config) safeLogger() *slog.Logger {
	return slog.New(safely.NewHandler(func() slog.Handler {
		if c.logger != nil {
			return c.logger.Handler()
		}
		return slog.Default().Handler()
	}))
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
