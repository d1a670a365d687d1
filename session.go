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
	"golang.org/x/sys/unix"
)

const (
	// speakFirst is how long a peer has to say something before it is taken
	// for a person.
	speakFirst = 80 * time.Millisecond
	// look is how often the doorkeeper of an open session looks around.
	// Another peer, and the end of the session, wake it.
	look = 5 * pace
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
	kind  string // for the log: what the peer turned out to be
}

// ring is the life of a session, from the ring to the teardown, after which
// the next ring can come. rung says how the doorbell's bind and listen went.
func (m *manhole) ring(rung error) {
	var s *session
	defer func() {
		if v := recover(); v != nil {
			m.log().Error("lazy: panic in a session", "panic", v, "stack", string(debug.Stack()))
		}
		m.reload(s)
	}()

	unload := sync.OnceFunc(m.bell.unload)
	defer unload()

	file, err := m.open(rung)
	if err != nil {
		m.log().Error("lazy: rung, but the socket can't be opened", "path", m.path, "err", err)
		return
	}
	d, err := newDoor(m.sock)
	m.sock = -1 // the door's now
	defer func() {
		unload()
		if err := removeSame(m.path, file); err != nil {
			m.log().Warn("lazy: the socket is not removed", "path", m.path, "err", err)
		}
		d.close()
	}()
	if err != nil {
		m.log().Error("lazy: rung, but the socket can't be waited on", "path", m.path, "err", err)
		return
	}

	if s = m.await(d); s == nil {
		return
	}
	err = m.attend(d, s)
	m.log().Info("lazy: session over", "kind", s.kind, "uid", s.peer.UID, "pid", s.peer.PID,
		"duration", time.Since(s.since), "err", err)
}

// open makes sure that the doorbell's socket listens at the path, and returns
// what the path names then.
func (m *manhole) open(rung error) (file unix.Stat_t, err error) {
	err = rung
	if errors.Is(err, unix.EBADF) {
		// The ring came at the end of a session, before there was a socket
		// for it; or there was no descriptor for one.
		if err := m.stock(); m.sock < 0 {
			return file, err
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
		err = unix.Lstat(m.path, &file)
	}
	if err != nil && bound(m.sock) {
		os.Remove(m.path)
		m.discardSocket()
	}
	return file, err
}

// await waits for a peer that may come in, and returns nil when its time is up.
func (m *manhole) await(d *door) *session {
	start := time.Now()
	for time.Since(start) < m.wait {
		if m.ctx.Err() != nil {
			return nil
		}
		if s := m.answer(d, pace, nil); s != nil {
			return s
		}
	}
	m.log().Warn("lazy: rung, but nobody came", "path", m.path, "duration", m.wait)
	return nil
}

// answer waits for at most wait for somebody at the door, and returns a session
// if it is somebody who may come in while holder, if any, is in.
func (m *manhole) answer(d *door, wait time.Duration, holder *session) *session {
	fd, err := d.accept(wait)
	if exhausted(err) && m.giveUpSpare() {
		fd, err = d.accept(wait)
	}
	if err != nil {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			time.Sleep(wait) // the peer stays in the queue
		}
		return nil
	}
	conn, err := newPacedConn(fd)
	if err != nil {
		return nil
	}
	var peer Peer
	conn.raw.Control(func(fd uintptr) { peer, err = peerOf(int(fd)) })
	if err != nil {
		err = fmt.Errorf("the kernel does not say who you are: %w", err)
	} else {
		err = peer.admit(os.Geteuid(), m.check)
	}
	switch {
	case err != nil:
		m.log().Warn("lazy: peer refused", "uid", peer.UID, "pid", peer.PID, "err", err)
		conn.sayLast(fmt.Sprintf("lazy: refused: %v\n", oneLine(err)))
	case holder != nil:
		conn.sayLast(fmt.Sprintf("lazy: busy: session held by %v since %s (%v ago); try again when it is over\n", holder.peer,
			holder.since.Format(time.DateTime), time.Since(holder.since).Round(time.Second)))
	case conn.vanished() && !conn.said():
		// Somebody who only tried whether anybody listens.
		conn.Close()
	default:
		now := time.Now()
		return &session{m: m, peer: peer, conn: conn, since: now, until: now.Add(m.longest), kind: "new"}
	}
	return nil
}

// attend serves the session in a goroutine of its own, and meanwhile keeps the
// door and the time. It returns why the session ended, nil if the peer wanted
// it to.
func (m *manhole) attend(d *door, s *session) error {
	ctx, done := context.WithDeadlineCause(m.ctx, s.until, errLongest)
	defer done()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	served := make(chan error, 1)
	go func() {
		defer d.wake()
		served <- s.serve(ctx)
	}()
	for ctx.Err() == nil {
		select {
		case err := <-served:
			return err
		default:
		}
		m.answer(d, look, s)
		if s.conn.vanished() {
			end(errVanished)
		}
	}

	// Reads end at once. A write or a command has some grace; after it the
	// connection is closed under it.
	s.conn.SetReadDeadline(time.Now())
	for _, last := range []func() error{s.conn.Close, nil} {
		select {
		case <-served:
			return context.Cause(ctx)
		case <-time.After(grace):
			if last != nil {
				last()
			}
		}
	}
	m.log().Error("lazy: a command did not end with its session; its goroutine is left behind", "uid", s.peer.UID, "pid", s.peer.PID)
	return context.Cause(ctx)
}

// serve finds out what the peer is and talks to it accordingly.
func (s *session) serve(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	cfg := console.Config{
		Greeting:     s.greeting(),
		Idle:         s.m.idle,
		ReadOnly:     s.m.readOnly,
		Path:         s.m.path,
		Signal:       strings.TrimPrefix(signalName(s.m.sig), "SIG"),
		Commands:     ownCommands(),
		OwnGoroutine: ownGoroutine,
		Log:          s.m.log().With("uid", s.peer.UID, "pid", s.peer.PID),
	}
	first, said, eof := s.conn.Peek(speakFirst)
	switch {
	case eof:
		s.kind = "report"
		return console.Report(ctx, s.conn, cfg)
	case said && console.IsGops(first):
		s.kind = "gops"
		s.conn.Read(make([]byte, 1))
		return console.Gops(ctx, first, s.conn, cfg)
	case said:
		s.kind = "script"
		return console.Run(ctx, s.conn, cfg)
	default:
		s.kind = "person"
		cfg.Person = true
		return console.Run(ctx, s.conn, cfg)
	}
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
		if err = m.stock(); err != nil {
			m.log().Error("lazy: reserve for the next ring incomplete, it will be tried again then", "err", err)
		}
		m.bell.load(m.sock)
	}
}

// ownGoroutine recognises the goroutines of a session by their outermost
// function, to keep them out of the stacks that they show.
func ownGoroutine(entry string) bool {
	return strings.HasPrefix(entry, "github.com/go-manhole/lazy.(*")
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
