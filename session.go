//go:build linux || darwin || freebsd

package lazy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-manhole/lazy/console"
	"github.com/go-manhole/lazy/internal/mark"
	"golang.org/x/sys/unix"
)

const (
	// grace is how long a session that must end has for saying so, and then
	// for being gone. The console waits 2 seconds for a command.
	grace = 3 * time.Second
)

var (
	errVanished = errors.New("the peer has gone")
	errLongest  = errors.New("the longest time for a session is over")

	processStart = time.Now() // as good as: packages are initialised early
)

// A session is one peer that was let in.
type session struct {
	m     *manhole
	peer  Peer
	conn  *pacedConn
	since time.Time
	until time.Time
	roomy bool   // whether its goroutines may be locked to threads
	kind  string // for the log: what the peer turned out to be
	ended error  // why; nil if the peer wanted it to
}

// ring is the life of a session, from the ring to the teardown, after which
// the next ring can come. rung says how the doorbell's bind and listen went.
func (m *manhole) ring(rung error) { mark.Session(func() { m.hold(rung) }) }

func (m *manhole) hold(rung error) {
	roomy := roomForThreads()
	if roomy {
		runtime.LockOSThread() // see paced.go
		defer runtime.UnlockOSThread()
	}
	var s *session
	var closed error // why the socket could not be opened
	defer func() {
		if v := recover(); v != nil {
			m.log().Error("lazy: panic in a session", "panic", v, "stack", string(debug.Stack()))
		}
		m.reload(s)
		if closed != nil {
			// Whoever reads this may ring again at once.
			m.log().Error("lazy: rung, but the socket can't be opened", "path", m.path, "err", closed)
		}
	}()

	unload := sync.OnceFunc(m.bell.unload)
	defer unload()

	var file unix.Stat_t
	if file, closed = m.open(rung); closed != nil {
		return
	}
	defer func() {
		unload()
		if err := removeSame(m.path, file); err != nil {
			m.log().Warn("lazy: the socket is not removed", "path", m.path, "err", err)
		}
		m.discardSocket()
	}()

	if s = m.await(file); s != nil {
		s.roomy = roomy
		s.ended = m.attend(s)
	}
}

// open makes sure that the doorbell's socket listens at the path, and returns
// what the path names then.
func (m *manhole) open(rung error) (file unix.Stat_t, err error) {
	err = rung
	if errors.Is(err, unix.EBADF) {
		// The ring came at the end of a session, before there was a socket
		// for it; or there was no descriptor for one.
		for start := time.Now(); ; time.Sleep(pace) {
			if err = m.stock(); m.sock >= 0 {
				break
			}
			if m.giveUpSpare() {
				continue
			}
			if m.ctx.Err() != nil || time.Since(start) > m.wait {
				return file, err
			}
		}
		err = listen(m.sock, m.path)
	}
	if errors.Is(err, unix.EADDRINUSE) {
		stale := removeStale(m.path)
		if exhausted(stale) && m.giveUpSpare() {
			stale = removeStale(m.path)
		}
		if stale != nil {
			return file, stale
		}
		err = listen(m.sock, m.path)
	}
	if err == nil {
		file, err = ownSocket(m.path)
	}
	if err != nil && bound(m.sock) {
		removeOwn(m.path)
		m.discardSocket()
	}
	return file, err
}

// await waits for a peer that may come in, and returns nil when its time is
// up, or nobody can come any more because the file is gone.
func (m *manhole) await(file unix.Stat_t) *session {
	for start := time.Now(); time.Since(start) < m.wait; time.Sleep(pace) {
		if m.ctx.Err() != nil {
			return nil
		}
		if s := m.answer(nil); s != nil {
			return s
		}
		if !there(m.path, file) {
			m.log().Warn("lazy: rung, but somebody removed the socket before anybody came", "path", m.path)
			return nil
		}
	}
	m.log().Warn("lazy: rung, but nobody came", "path", m.path, "duration", m.wait)
	return nil
}

// answer sees to all who are at the door, and returns a session if one of them
// may come in; nobody may while there is a holder.
func (m *manhole) answer(holder *session) *session {
	for range backlog {
		fd, err := accept(m.sock)
		if exhausted(err) && m.giveUpSpare() {
			fd, err = accept(m.sock)
		}
		switch {
		case err == unix.ECONNABORTED || err == unix.EINTR:
		case err != nil:
			return nil // nobody, or no descriptor for who is there and waits
		default:
			if s := m.admit(fd, holder); s != nil {
				return s
			}
		}
	}
	return nil
}

// admit returns a session for a peer that may come in, and tells others why
// they may not.
func (m *manhole) admit(fd int, holder *session) *session {
	came := time.Now()
	conn := newPacedConn(fd)
	peer, err := peerOf(fd)
	if err != nil {
		err = fmt.Errorf("the kernel does not say who you are: %w", err)
	} else if err = peer.admit(os.Geteuid()); err == nil && holder == nil {
		err = m.checked(peer)
	}
	switch {
	case err != nil:
		conn.sayLast(fmt.Sprintf("lazy: refused: %v\n", oneLine(err)))
		m.log().Warn("lazy: peer refused", "uid", peer.UID, "pid", peer.PID, "duration", time.Since(came), "err", err)
	case holder != nil && conn.vanished():
		conn.Close()
	case holder != nil:
		conn.sayLast(fmt.Sprintf("lazy: busy: session held by %v since %s (%v ago), silent for %v; try again when it is over\n", holder.peer,
			holder.since.Format(time.DateTime), time.Since(holder.since).Round(time.Second), holder.conn.quiet().Round(time.Second)))
		m.log().Info("lazy: peer turned away, the session is held", "uid", peer.UID, "pid", peer.PID, "duration", time.Since(came), "holder", holder.peer.String())
	case conn.vanished() && !conn.said():
		// Somebody who only tried whether anybody listens.
		conn.Close()
	default:
		now := time.Now()
		return &session{m: m, peer: peer, conn: conn, since: now, until: now.Add(m.longest), kind: "new"}
	}
	return nil
}

// checkPatience is how long the program's own check of a peer may take.
const checkPatience = 2 * time.Second

// checked asks the program's own check.
func (m *manhole) checked(p Peer) error {
	if m.check == nil {
		return nil
	}
	refusal := make(chan error, 1)
	err := guarded(checkPatience, func() {
		if err := m.check(p); err != nil {
			refusal <- errors.New(err.Error()) // whose Error method may do anything, too
		}
	})
	select {
	case err = <-refusal:
	default:
		if err != nil {
			err = fmt.Errorf("the program's check of its peers failed: %w", err)
		}
	}
	return err
}

// attend serves the session in a goroutine of its own, and meanwhile keeps the
// door and the time, and wakes the session when it is time to look again. It
// returns why the session ended, nil if the peer wanted it to.
func (m *manhole) attend(s *session) error {
	ctx, done := context.WithDeadlineCause(m.ctx, s.until, errLongest)
	defer done()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	type outcome struct {
		kind string
		err  error
	}
	served := make(chan outcome, 1)
	go mark.Session(func() {
		end := outcome{s.kind, errors.New("the session called runtime.Goexit")}
		defer func() { served <- end }()
		end.kind, end.err = s.serve(ctx)
	})
	var ending time.Time
	s.conn.alarm.Reset(lost)
	for {
		select {
		case end := <-served:
			s.kind = end.kind
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return end.err
		case <-s.conn.alarm.C:
		}
		m.answer(s)
		if s.conn.vanished() {
			end(errVanished)
		}
		s.conn.reportPending()
		// Reads end at once. A write or a command has some grace; after it
		// the connection is closed under it.
		switch {
		case ctx.Err() == nil:
		case ending.IsZero():
			ending = time.Now()
			s.conn.SetReadDeadline(ending)
		case time.Since(ending) > 2*grace:
			m.log().Error("lazy: a command did not end with its session; its goroutine is left behind", "uid", s.peer.UID, "pid", s.peer.PID)
			return context.Cause(ctx)
		case time.Since(ending) > grace:
			s.conn.Close()
		}
		s.conn.wake()
	}
}

// serve talks to the peer, and returns what kind of peer it turned out to be.
func (s *session) serve(ctx context.Context) (kind string, err error) {
	if s.roomy {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	cfg := console.Config{
		Greeting: s.greeting(),
		Idle:     s.m.idle,
		ReadOnly: s.m.readOnly,
		Path:     s.m.path,
		Signal:   signalForKill(s.m.sig),
		Commands: ownCommands(),
		Log:      s.m.log().With("uid", s.peer.UID, "pid", s.peer.PID),
	}
	return console.Serve(ctx, s.conn, cfg)
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
		s.peer, s.m.idle, s.until.Format(time.DateTime))
}

// reload gets the doorbell ready for the next ring, and only then lets the
// peer read the end of its session, so that whoever waits for that can ring
// again at once. When descriptors are exhausted the peer's is needed first.
func (m *manhole) reload(s *session) {
	err := m.stock()
	if err == nil {
		m.bell.load(m.sock)
	}
	if s != nil {
		s.conn.Close()
	}
	if err != nil {
		err = m.stock()
		m.bell.load(m.sock)
	}
	if err != nil {
		m.log().Error("lazy: not all is there for the next ring; it is tried again", "err", err)
	}
	if s != nil {
		m.log().Info("lazy: session over", "kind", s.kind, "uid", s.peer.UID, "pid", s.peer.PID,
			"duration", time.Since(s.since), "err", s.ended)
	}
}

func ownCommands() []console.Command {
	commandsMu.Lock()
	defer commandsMu.Unlock()
	return slices.Clone(commands)
}

func exhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
