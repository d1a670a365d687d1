//go:build linux || darwin || freebsd

package lazy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/go-manhole/lazy/console"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/peercred"
	"github.com/go-manhole/lazy/internal/pollconn"
	"github.com/go-manhole/lazy/internal/safely"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/go-manhole/lazy/internal/sockfile"
	"github.com/go-manhole/lazy/internal/sockpath"
	"github.com/go-manhole/lazy/internal/threads"
	"golang.org/x/sys/unix"
)

const (
	// grace is how long a session that must end has to say so, and then to
	// be gone. The console waits 2 seconds for a command.
	grace = 3 * time.Second

	// checkTimeout is how long the check of WithCheck may take.
	checkTimeout = 2 * time.Second

	// sessionThreads is how many threads may be started because of a session:
	// one for each of its two goroutines, and one that finds nothing to do
	// before it sleeps.
	sessionThreads = 3
)

var (
	errVanished    = errors.New("the peer closed the connection")
	errMaxDuration = errors.New("the session reached its maximum duration")

	processStart = time.Now() // packages are initialised early
)

// A session is one peer that was let in.
type session struct {
	m           *manhole
	path        string // of its socket
	peer        Peer
	conn        *pollconn.Conn
	since       time.Time
	until       time.Time
	lockThreads bool   // lock its goroutines to threads, see package pollconn
	kind        string // what the peer turned out to be, for the log
	ended       error  // why; nil if the peer ended it
}

// ring is the life of a session, from the signal to the teardown, after which
// the next ring can come. opened is the result of the doorbell's bind and listen.
func (m *manhole) ring(opened error) {
	lockThreads := threads.CanStart(sessionThreads)
	if lockThreads {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	var s *session
	var failed error // why the socket could not be opened
	defer func() {
		if v := recover(); v != nil {
			m.log.Error("lazy: panic in a session", "panic", v, "stack", string(debug.Stack()))
		}
		m.rearm(s)
		m.refused.Flush(m.log, "lazy: further peers were turned away")
		if failed != nil {
			// A reader of this may ring again at once.
			m.log.Error("lazy: got the signal, but cannot open the socket", "path", m.path, "err", failed)
		}
	}()

	clearSocket := sync.OnceFunc(m.bell.clearSocket)
	defer clearSocket()

	var file sockfile.File
	if file, failed = m.open(opened); failed != nil {
		return
	}
	defer func() {
		clearSocket()
		if err := file.Remove(); err != nil {
			m.log.Warn("lazy: the socket is not removed", "path", file.Path(), "err", err)
		}
		m.discardSocket()
	}()

	if s = m.await(file); s != nil {
		s.lockThreads, s.path = lockThreads, file.Path()
		s.ended = m.attend(s)
	}
}

// open makes sure that the manhole's socket listens at the path, and returns the
// file there. err is the result of the doorbell's bind and listen.
func (m *manhole) open(err error) (sockfile.File, error) {
	if errors.Is(err, unix.EBADF) {
		// The ring came at the end of a session, before there was a socket
		// for it; or there was no descriptor for one.
		for start := time.Now(); ; time.Sleep(pollconn.PollInterval) {
			if err = m.ensureDescriptors(); m.sock.N() >= 0 {
				break
			}
			if m.giveUpSpare() {
				continue
			}
			if m.ctx.Err() != nil || time.Since(start) > m.acceptTimeout {
				return sockfile.File{}, err
			}
		}
		err = m.listen(m.path)
	}
	file, err := m.openAt(m.path, err)
	if err != nil && m.usual {
		// The directory is full, or somebody else's socket is there.
		for _, path := range sockpath.Usual(os.Getpid()) {
			if path == m.path {
				continue
			}
			if other, err2 := m.openAt(path, m.listen(path)); err2 == nil {
				m.log.Warn("lazy: the socket is not at its usual path", "path", path, "why", oneLine(err))
				return other, nil
			}
		}
	}
	return file, err
}

// listen binds the manhole's socket to path and listens.
func (m *manhole) listen(path string) error {
	if err := m.ensureDescriptors(); m.sock.N() < 0 {
		return err
	}
	return sockfile.Listen(m.sock.N(), path)
}

// openAt makes the best of the result of listen, or of the signal handler's: a
// socket that a dead process left is removed, and a socket that the handler bound
// on a thread with another root directory or other rights is made anew.
func (m *manhole) openAt(path string, err error) (file sockfile.File, _ error) {
	if errors.Is(err, unix.EADDRINUSE) {
		stale := sockfile.RemoveStale(path)
		if sockfile.Exhausted(stale) && m.giveUpSpare() {
			stale = sockfile.RemoveStale(path)
		}
		if stale != nil {
			return file, stale
		}
		err = m.listen(path)
	}
	for try := 1; ; try++ {
		if err == nil {
			file, err = sockfile.Stat(path)
		}
		if err == nil {
			return file, nil
		}
		if sock := m.sock.N(); sock >= 0 && sockfile.Bound(sock) {
			sockfile.RemoveElsewhere(sock, path)
			sockfile.RemoveBound(path)
			m.discardSocket()
		}
		if try == 2 {
			return file, err
		}
		err = m.listen(path)
	}
}

// await waits for a peer that may come in. It returns nil when the time is up,
// and when nothing can connect any more because the file is gone.
func (m *manhole) await(file sockfile.File) *session {
	for start := time.Now(); time.Since(start) < m.acceptTimeout; time.Sleep(pollconn.PollInterval) {
		if m.ctx.Err() != nil {
			return nil
		}
		if s := m.accept(nil); s != nil {
			return s
		}
		if m.sock.N() < 0 {
			m.log.Warn("lazy: got the signal, but the program closed the socket before a client connected; ring again", "path", file.Path())
			return nil
		}
		if !file.InPlace() {
			m.log.Warn("lazy: got the signal, but the socket was removed before a client connected", "path", file.Path())
			return nil
		}
	}
	m.log.Warn("lazy: got the signal, but no client connected", "path", file.Path(), "duration", m.acceptTimeout)
	return nil
}

// accept takes every connection that waits, and returns a session for the first
// peer that may come in. None may while there is a holder.
func (m *manhole) accept(holder *session) *session {
	for range sockfile.Backlog {
		sock := m.sock.N()
		fd, err := sockfile.Accept(sock)
		if sockfile.Exhausted(err) && m.giveUpSpare() {
			fd, err = sockfile.Accept(sock)
		}
		switch {
		case err == unix.ECONNABORTED || err == unix.EINTR:
		case err != nil:
			return nil // no connection, or no descriptor for it yet
		default:
			if s := m.admit(fd, holder); s != nil {
				return s
			}
		}
	}
	return nil
}

// admit returns a session for a peer that may come in, and tells another one why
// it may not.
func (m *manhole) admit(fd int, holder *session) *session {
	came := time.Now()
	conn := pollconn.New(fd)
	cred, err := peercred.Of(fd)
	peer := Peer(cred)
	if err != nil {
		err = fmt.Errorf("the kernel does not report your credentials: %w", err)
	} else if err = peer.admitted(m.sameUID); err == nil && holder == nil {
		err = m.checkPeer(peer)
	}
	switch {
	case err != nil:
		conn.CloseWith(fmt.Sprintf("lazy: refused: %v\n", oneLine(err)))
		m.refused.Log(m.log, slog.LevelWarn, "lazy: peer refused", "uid", peer.UID, "pid", peer.PID, "duration", time.Since(came), "err", err)
	case holder != nil && conn.Vanished():
		conn.Close()
	case holder != nil:
		conn.CloseWith(fmt.Sprintf("lazy: busy: session held by %v since %s (%v ago), silent for %v; try again when it is over\n", holder.peer,
			holder.since.Format(time.DateTime), time.Since(holder.since).Round(time.Second), holder.conn.Quiet().Round(time.Second)))
		m.refused.Log(m.log, slog.LevelInfo, "lazy: peer turned away, the session is held", "uid", peer.UID, "pid", peer.PID, "duration", time.Since(came), "holder", holder.peer.String())
	case conn.Vanished() && !conn.HasInput():
		// A client that only tried whether anything listens.
		conn.Close()
	default:
		now := time.Now()
		return &session{m: m, peer: peer, conn: conn, since: now, until: now.Add(m.maxDuration), kind: "unknown"}
	}
	return nil
}

// checkPeer applies the check of WithCheck.
func (m *manhole) checkPeer(p Peer) error {
	if m.check == nil {
		return nil
	}
	err := safely.Call(checkTimeout, func() error { return m.check(p) })
	if failure, ok := errors.AsType[*safely.Failure](err); ok {
		err = fmt.Errorf("the program's check of its peers failed: %w", failure)
	}
	return err
}

// attend serves the session in another goroutine. This one is the doorkeeper: it
// turns other peers away, keeps the time, and wakes the session when that is to
// look at its connection again. It returns why the session ended, nil if the
// peer ended it.
func (m *manhole) attend(s *session) error {
	ctx, done := context.WithDeadlineCause(m.ctx, s.until, errMaxDuration)
	defer done()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	type result struct {
		kind string
		err  error
	}
	served := make(chan result, 1)
	go mark.Session(func() {
		r := result{"unknown", errors.New("the session called runtime.Goexit")}
		defer func() { served <- r }()
		r.kind, r.err = s.serve(ctx)
	})
	var ending time.Time
	alarm, park := s.conn.Alarm(), false
	now := make(chan time.Time)
	close(now)
	for {
		wait := alarm
		if park {
			s.conn.Park(m.sock.N())
			wait = now
		}
		select {
		case r := <-served:
			s.kind = r.kind
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return r.err
		case <-wait:
		}
		m.accept(s)
		if s.conn.Vanished() {
			end(errVanished)
		}
		s.conn.CallPending()
		// A Read ends at once. A Write or a command has some grace, after
		// which the connection is closed under it.
		switch {
		case ctx.Err() == nil:
		case ending.IsZero():
			ending = time.Now()
			s.conn.SetReadDeadline(ending)
		case time.Since(ending) > 2*grace:
			m.log.Error("lazy: a command did not end with its session; its goroutine is left behind", "uid", s.peer.UID, "pid", s.peer.PID)
			return context.Cause(ctx)
		case time.Since(ending) > grace:
			s.conn.Close()
		}
		// A thread in a system call may be replaced by another.
		if park = s.lockThreads && ctx.Err() == nil && s.conn.MayPark(); !park {
			s.conn.Wake()
		}
	}
}

// serve runs the console until the session ends. kind is what the peer turned
// out to be.
func (s *session) serve(ctx context.Context) (kind string, err error) {
	if s.lockThreads {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	defer func() {
		if v := recover(); v != nil {
			kind, err = "unknown", fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return console.Serve(ctx, s.conn, console.Config{
		Greeting: s.greeting(),
		Idle:     s.m.idleTimeout,
		ReadOnly: s.m.readOnly,
		PeerPID:  s.peer.PID,
		MayDebug: s.peer.admitted(false),
		Path:     s.path,
		Signal:   signame.ForKill(s.m.sig),
		Commands: programCommands(),
		Log:      s.m.log.With("uid", s.peer.UID, "pid", s.peer.PID),
	})
}

func (s *session) greeting() string {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return fmt.Sprintf(`lazy: pid %d, %s (%s %s/%s), up %v
lazy: you are %v; this closes after %v of silence, and at %s
lazy: help lists the commands; quit or Ctrl-D ends the session
`, os.Getpid(), exe, runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Since(processStart).Round(time.Second),
		s.peer, s.m.idleTimeout, s.until.Format(time.DateTime))
}

// programCommands returns the commands added with Handle.
func programCommands() []console.Command {
	commandsMu.Lock()
	defer commandsMu.Unlock()
	return slices.Clone(commands)
}

// rearm gets the doorbell ready for the next ring, and only then lets the peer
// read the end of its session, so that a client that waits for that can ring
// again at once. When descriptors are exhausted, the peer's is needed first.
func (m *manhole) rearm(s *session) {
	err := m.ensureDescriptors()
	if err == nil {
		m.bell.setSocket(m.sock.N())
	}
	if s != nil {
		s.conn.Close()
	}
	if err != nil {
		err = m.ensureDescriptors()
		m.bell.setSocket(m.sock.N())
	}
	if err != nil && !errors.Is(err, sockfile.ErrNotVisible) {
		m.log.Error("lazy: descriptors for the next ring are missing; they are made when there is room", "err", err)
	}
	if s != nil {
		m.log.Info("lazy: session over", "kind", s.kind, "uid", s.peer.UID, "pid", s.peer.PID,
			"duration", time.Since(s.since), "err", s.ended)
	}
}
