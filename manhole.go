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

	"github.com/go-manhole/lazy/internal/armednote"
	"github.com/go-manhole/lazy/internal/safely"
	"github.com/go-manhole/lazy/internal/sighandler"
	"github.com/go-manhole/lazy/internal/sigmask"
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

	sock  sockfile.FD // for the next ring
	spare sockfile.FD // given up when there is no descriptor for a peer
	bell  doorbell

	usual   bool // the path was not chosen by the program
	refused safely.Limiter
}

var errDisarmed = errors.New("the program called Disarm")

func arm(c config) (*manhole, error) {
	sig, err := checkSignal(c.signal)
	if err != nil {
		return nil, err
	}
	if inBubble() {
		return nil, errors.New("Arm was called in a testing/synctest bubble, outside of which it could not be disarmed; call it outside")
	}
	var passedOver error
	usual := c.path == ""
	if usual {
		c.path, passedOver, err = sockfile.ChoosePath()
	} else {
		c.path, err = sockfile.CheckPath(c.path)
	}
	if err != nil {
		return nil, err
	}
	m := &manhole{config: c, sig: sig, log: c.safeLogger(), usual: usual}
	m.ctx, m.cancel = context.WithCancelCause(context.Background())
	var hidden error
	if err = startPoller(); err == nil {
		err = m.ensureDescriptors()
	}
	if errors.Is(err, sockfile.ErrNotVisible) {
		hidden, err = err, nil
	}
	if err == nil {
		if err = m.bell.install(m); err != nil {
			err = fmt.Errorf("%w%s", err, freeSignals(sig))
		}
	}
	if err != nil {
		m.release()
		return nil, err
	}
	if hidden != nil {
		m.log.Warn(fmt.Sprintf("lazy: manhole-poke finds this process only with -s %s -p PATH", signame.ForKill(sig)), "path", m.path, "err", hidden)
	}
	if passedOver != nil {
		m.log.Warn("lazy: the socket is not at its usual path", "path", m.path, "why", oneLine(passedOver))
	}
	return m, nil
}

func (m *manhole) disarm() error {
	m.cancel(errDisarmed)
	err := m.bell.uninstall()
	if sock := m.sock.N(); sock >= 0 && sockfile.Bound(sock) {
		// Rung, but not yet noticed.
		err = errors.Join(err, sockfile.RemoveBound(m.path))
	}
	m.release()
	return err
}

func (m *manhole) String() string {
	return fmt.Sprintf("%s opens %s; call Disarm first to change that", signame.Name(m.sig), m.path)
}

// ensureDescriptors makes those descriptors for the next ring that are missing,
// or that the program has closed.
func (m *manhole) ensureDescriptors() error {
	if m.sock.N() < 0 {
		fd, err := sockfile.New()
		if err != nil {
			return err
		}
		m.sock = sockfile.Own(fd)
	}
	if m.spare.N() < 0 {
		fd, err := sockfile.NewSpare(armednote.Note{PID: os.Getpid(), Signal: int(m.sig), Path: m.path, Tagged: tagged, Copies: tagged && !m.readOnly})
		m.spare = sockfile.Own(fd)
		return err
	}
	return nil
}

func (m *manhole) release() {
	m.discardSocket()
	m.giveUpSpare()
}

func (m *manhole) discardSocket() {
	if sock := m.sock.N(); sock >= 0 {
		// For clients in the queue, also if a forked child has the socket.
		unix.Shutdown(sock, unix.SHUT_RDWR)
	}
	m.sock.Close()
}

// giveUpSpare frees a descriptor, and reports whether it could.
func (m *manhole) giveUpSpare() bool { return m.spare.Close() }

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
			if !sockfile.Exhausted(err) {
				return fmt.Errorf("cannot make a unix socket: %w; does a seccomp filter forbid it (systemd: RestrictAddressFamilies lacks AF_UNIX)?", err)
			}
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
		return 0, fmt.Errorf("WithSignal(%s): that signal means something to the Go runtime or ends the program; choose another%s", signame.Name(s), freeSignals(s))
	}
	return s, nil
}

// freeSignals returns some signals that Arm accepts and the program does not use,
// as the end of an error message about another one.
func freeSignals(not syscall.Signal) string {
	var names []string
	for n := 1; n <= signame.Max && len(names) < 3; n++ {
		sig := syscall.Signal(n)
		if sig == not || !sighandler.Usable(sig) || sighandler.CheckOwner(sig) != nil {
			continue
		}
		if used, _ := sigmask.Notified(0, n); !used {
			names = append(names, signame.Name(sig))
		}
	}
	if names == nil {
		return ""
	}
	return " (free: " + strings.Join(names, ", ") + ")"
}

// inBubble reports whether this goroutine is in a bubble of testing/synctest,
// whose clock starts in the year 2000. A timer made there may not be touched
// from outside; the runtime ends the process for it.
func inBubble() bool {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &now) != nil {
		return false
	}
	return time.Since(time.Unix(now.Unix())).Abs() > time.Hour
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
