// Package gopsagent stands in for the agent of gops (github.com/google/gops)
// in an armed process that has none, so that the gops client (v0.3.28) can talk
// to it. The client finds an agent by a file that holds its TCP port, sends a
// command to 127.0.0.1, and reads the answer to its end. Each command becomes a
// session with the process.
package gopsagent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/safepath"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	opcode "github.com/google/gops/signal"
	"golang.org/x/sys/unix"
)

// Options say how to serve.
type Options struct {
	Ring     ring.Options
	Duration time.Duration // how long to serve
	Out      io.Writer     // for a line that says what works now
	Err      io.Writer     // for complaints, a line each
}

// Serve serves gops for the process until ctx is done, whose cause it returns,
// the duration is over, or the process exits, which is an error. The caller must
// ignore SIGPIPE, of which this process would die if nobody reads what it
// prints, and leave the file behind.
func Serve(ctx context.Context, pid int, o Options) error {
	if err := checkUserNamespace(); err != nil {
		return err
	}
	p, err := process.Open(pid)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := ring.CheckProcess(p, o.Ring); err != nil {
		return err
	}
	g := &agent{p: p, o: o, uid: os.Geteuid(), turn: make(chan struct{}, 1), leaving: make(chan struct{}, 16)}
	if err := g.open(); err != nil {
		return err
	}
	defer g.close()
	ctx, cancel := context.WithTimeoutCause(ctx, o.Duration, errOver)
	defer cancel()
	_, err = fmt.Fprintf(o.Out, "gops stack %d (or stats, memstats, gc, setgc, version, pprof-heap, pprof-cpu, trace) works for %s until %s, or Ctrl-C\n",
		p.PID, g.users(), time.Now().Add(o.Duration).Format(time.DateTime))
	if err != nil {
		return exit.Errorf(exit.LocalIO, "output", "cannot write to standard output: %v", err)
	}
	if err := g.serve(ctx); !errors.Is(err, errOver) {
		return err
	}
	return nil
}

var errOver = errors.New("the time is over")

// checkUserNamespace fails if the kernel shows other users as this one: in a
// user namespace, all that are not mapped, user_namespaces(7).
func checkUserNamespace() error {
	overflow, err := procfs.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil || strings.TrimSpace(string(overflow)) != strconv.Itoa(os.Geteuid()) {
		return nil
	}
	all, err := procfs.ReadFile("/proc/self/uid_map")
	if fields := strings.Fields(string(all)); err == nil && len(fields) == 3 && fields[2] == "4294967295" {
		return nil
	}
	return exit.Errorf(exit.Unsupported, "user-namespace", "in this user namespace all users that are not mapped look like you, uid %d, so nobody could be kept out; try outside it, or as its root", os.Geteuid())
}

// An agent stands in for that of a process.
type agent struct {
	p        *process.Process // its handle shows when it exits
	o        Options
	uid      int
	file     string // where the client looks for the port
	path     *safepath.Path
	port     string
	listener *net.TCPListener

	turn     chan struct{} // held while the process is asked: it has one session
	cutShort bool          // the session before may not be over yet; for the holder of turn
	leaving  chan struct{} // one for each connection whose end is awaited

	mu       sync.Mutex
	refusals int       // not reported
	reported time.Time // the last one
}

// maxClients is how many clients are attended at the same time. Those of other
// users do not count.
const maxClients = 64

func (g *agent) users() string {
	if g.uid == 0 {
		return "root"
	}
	return fmt.Sprintf("uid %d and root", g.uid)
}

// serve attends to clients at the same time, so that one that says nothing does
// not keep others waiting; who it is is settled before. It returns the cause of
// the context's end.
func (g *agent) serve(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { end(g.exited(ctx)) })
	defer watch.Wait()
	defer end(nil)
	defer context.AfterFunc(ctx, func() { g.listener.Close() })()
	slots := make(chan struct{}, maxClients)
	for {
		c, err := g.listener.AcceptTCP()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return exit.Errorf(exit.LocalIO, "loopback", "cannot accept connections of gops any longer: %v", err)
		}
		if !g.admit(c) {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			reset(c)
			return context.Cause(ctx)
		}
		watch.Go(func() {
			g.attend(ctx, c)
			<-slots
		})
	}
}

// admit reports whether a client may come in, and refuses it if not.
func (g *agent) admit(c *net.TCPConn) bool {
	uid, err := tcpPeer(c)
	switch {
	case err == nil && (uid == g.uid || uid == 0):
		return true
	case errors.Is(err, errGone):
		c.Close()
	case err != nil:
		g.refuse(c, fmt.Errorf("refused a client: the kernel does not say who it is: %w", err))
	default:
		g.refuse(c, fmt.Errorf("refused uid %d: this is for %s", uid, g.users()))
	}
	return false
}

// exited waits until the process exits.
func (g *agent) exited(ctx context.Context) error {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if g.p.Exited() {
			return g.gone()
		}
	}
}

func (g *agent) gone() error {
	return exit.Errorf(exit.Broken, "exited", "%s exited, so gops cannot reach it any longer; its own log may say why", g.p)
}

// attend handles one connection that was admitted. A client that half-closes it, which gops does
// not, is taken for one that has left.
func (g *agent) attend(ctx context.Context, c *net.TCPConn) {
	ctx, left := context.WithCancelCause(ctx)
	defer left(nil)
	defer context.AfterFunc(ctx, func() { reset(c) })()
	request, err := readRequest(c, g.o.Ring.Timeout)
	switch {
	case err == io.EOF:
		c.Close() // a client that only checked whether anybody listens
		return
	case err != nil:
		g.refuse(c, err)
		return
	}
	go func() {
		io.Copy(io.Discard, c) // until it leaves
		left(errLeft)
	}()
	err = g.answer(ctx, c, request)
	switch {
	case err == nil:
		g.leave(c)
		return
	case ctx.Err() != nil:
		reset(c) // whoever ended the context reports why
		return
	}
	g.complain(err)
	if !printed(request[0]) {
		reset(c)
		return
	}
	fmt.Fprintf(patient{c}, "manhole-poke: %s\n", printable.Line(err.Error()))
	g.leave(c)
}

// errLeft is for a client that does not wait for the end of its answer.
var errLeft = errors.New("gops left")

// printed reports whether the client prints the answer. It stores any other
// answer in a file or ignores it, and then notices no failure but a reset.
func printed(op byte) bool {
	switch op {
	case opcode.StackTrace, opcode.MemStats, opcode.Version, opcode.Stats, opcode.SetGCPercent:
		return true
	}
	return false
}

// readRequest reads what a client says.
func readRequest(c *net.TCPConn, timeout time.Duration) ([]byte, error) {
	c.SetReadDeadline(time.Now().Add(timeout))
	defer c.SetReadDeadline(time.Time{})
	r := bufio.NewReader(c)
	op, err := r.ReadByte()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, exit.Errorf(exit.Timeout, "gops-said-nothing", "a client connected and said nothing within %v; try gops stack PID", timeout)
	case err != nil:
		return nil, err
	}
	if !isRequest(op) {
		return nil, exit.Errorf(exit.Usage, "not-gops", "a client that is not gops says %q; try gops stack PID", op)
	}
	return parseRequest(op, r)
}

// answer asks the process, and again while it is between two sessions: the
// session may still belong to the previous client, whose answer was cut short,
// and a connection made while it is just ending is reset.
func (g *agent) answer(ctx context.Context, c *net.TCPConn, request []byte) error {
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	late := time.Now().Add(g.o.Ring.Timeout)
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		err := g.ask(ctx, c, request)
		again := exit.StatusOf(err) == exit.Busy && g.cutShort || session.WillPass(err)
		if !again || time.Now().Add(pause).After(late) {
			g.cutShort = ctx.Err() != nil
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (g *agent) ask(ctx context.Context, c *net.TCPConn, request []byte) error {
	p, err := process.Open(g.p.PID)
	if g.p.Exited() { // and its PID may be reused
		return g.gone()
	}
	if err != nil {
		return err
	}
	defer p.Close()
	conn, err := ring.ConnectProcess(ctx, p, g.o.Ring)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.Write(request) // a process that is busy has hung up already; its line is there
	passed, own, err := passAnswer(patient{c}, conn)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case session.IsTurnedAway(own):
		return session.TurnedAway(p, own)
	case own != "":
		return exit.Errorf(exit.Broken, "session-ended", "%s says %q; try it with manhole-poke %d", p, own, p.PID)
	case p.Exited():
		return g.gone()
	case passed == 0 && (err == nil || errors.Is(err, unix.ECONNRESET)):
		return session.HungUp(p)
	case err != nil:
		return exit.Errorf(exit.Broken, "session-ended", "the answer of %s broke off: %v; try again", p, err)
	}
	return nil
}

// patient writes to a client while that reads.
type patient struct{ *net.TCPConn }

func (p patient) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(10 * time.Second))
	return p.TCPConn.Write(b)
}

// refuse reports why, and says so to the client.
func (g *agent) refuse(c *net.TCPConn, why error) {
	g.report(why) // first, so that the reports are in the order of the answers
	fmt.Fprintf(patient{c}, "manhole-poke: %s\n", printable.Line(why.Error()))
	g.leave(c)
}

// report reports a refusal; that once a second, because a client may try to fill
// the disk that this is logged to.
func (g *agent) report(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals++
	if time.Since(g.reported) < time.Second {
		return
	}
	if g.refusals > 1 {
		why = fmt.Errorf("%w (and %d others)", why, g.refusals-1)
	}
	g.complain(why)
	g.reported, g.refusals = time.Now(), 0
}

func (g *agent) complain(err error) {
	fmt.Fprintln(g.o.Err, "manhole-poke:", printable.Line(err.Error()))
}

// leave closes a connection so that the client reads all of it. With unread
// data the close would be a reset, tcp(7), so what the client sends is read
// until it closes; not for long, and for a few clients at once.
func (g *agent) leave(c *net.TCPConn) {
	c.CloseWrite()
	c.SetReadDeadline(time.Now().Add(time.Second))
	select {
	case g.leaving <- struct{}{}:
		go func() {
			io.Copy(io.Discard, c)
			c.Close()
			<-g.leaving
		}()
	default:
		c.Close()
	}
}

// reset ends a connection so that the client sees a failure.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}
