package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/console"
	opcode "github.com/google/gops/signal"
	"golang.org/x/sys/unix"
)

// gopsTime is for how long gops stands in for the agent if --for does not say.
const gopsTime = 10 * time.Minute

var errGopsTime = errors.New("the time is over")

// gops lets the gops client (v0.3.28) talk to an armed process. The client
// finds an agent by a file in which the agent has written its TCP port, sends
// a command to 127.0.0.1, and reads the answer to its end. All that is done
// here in the agent's place, and each command asked in a session of its own.
func gops(o options, args []string) error {
	if len(args) != 1 {
		return failf(statusUsage, "gops takes one PID; try manhole-poke gops PID, and gops stack PID beside it")
	}
	d, err := doorOf(o, args[0])
	switch {
	case err != nil:
		return err
	case d.pid == 0:
		return failf(statusUsage, "gops takes a PID, not %q, because so does the real gops; manhole-poke alone lists the Go processes", d)
	}
	if o.lasting == 0 {
		o.lasting = gopsTime
	}
	if err := tellsUsers(); err != nil {
		return err
	}
	// Who pipes what is printed here into head must not kill what removes the
	// file.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := untilSignalled()
	defer stop()
	ctx = whileRead(ctx)
	p, err := look(d.pid)
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.doorbell(o); err != nil {
		return err
	}
	g := &gopsAgent{p: p, o: o, uid: os.Geteuid(), leaving: make(chan struct{}, 16)}
	if err := g.open(); err != nil {
		return err
	}
	defer g.close()
	ctx, cancel := context.WithTimeoutCause(ctx, o.lasting, errGopsTime)
	defer cancel()
	_, err = fmt.Printf("gops stack %d (or stats, memstats, gc, setgc, version, pprof-heap, pprof-cpu, trace) works for %s until %s, or Ctrl-C\n",
		p.pid, g.users(), time.Now().Add(o.lasting).Format(time.DateTime))
	if err != nil {
		return failf(statusHere, "cannot say what to do: %v", err)
	}
	switch err = g.serve(ctx); {
	case errors.Is(err, errGopsTime):
		return nil
	case errors.Is(err, errUnread):
		return failf(statusHere, "%v, so gops was let go", errUnread)
	}
	return err
}

// tellsUsers fails where the kernel shows users as the one user that this is:
// in a user namespace, whoever is not mapped, user_namespaces(7).
func tellsUsers() error {
	overflow, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil || strings.TrimSpace(string(overflow)) != strconv.Itoa(os.Geteuid()) {
		return nil
	}
	all, err := os.ReadFile("/proc/self/uid_map")
	if fields := strings.Fields(string(all)); err == nil && len(fields) == 3 && fields[2] == "4294967295" {
		return nil
	}
	return failf(statusUnsupported, "in this user namespace everybody unknown looks like you, uid %d, so nobody could be kept out; try from outside of it, or as its root", os.Geteuid())
}

// A gopsAgent stands in for the agent of a process that has none.
type gopsAgent struct {
	p        *process // as it was at first; its handle tells when it exits
	o        options
	uid      int
	file     string // where the client looks for the port
	port     string
	listener *net.TCPListener

	cutShort bool          // the session before may not be over yet
	refusals int           // not told
	told     time.Time     // when one was
	leaving  chan struct{} // one for each connection that is left in peace
}

func (g *gopsAgent) users() string {
	if g.uid == 0 {
		return "root"
	}
	return fmt.Sprintf("uid %d and root", g.uid)
}

// serve answers one client after the other, as there is one session at a time.
// It returns why it is over, which is the cause of the context's end.
func (g *gopsAgent) serve(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { end(g.exited(ctx)) })
	defer watch.Wait()
	defer end(nil)
	defer context.AfterFunc(ctx, func() { g.listener.Close() })()
	for {
		c, err := g.listener.AcceptTCP()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return failf(statusHere, "cannot wait for gops any longer: %v", err)
		}
		g.attend(ctx, c)
	}
}

// exited waits until the process exits.
func (g *gopsAgent) exited(ctx context.Context) error {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if g.p.exited() {
			return g.gone()
		}
	}
}

func (g *gopsAgent) gone() error {
	return failf(statusExited, "%s exited, and gops %d has nobody to talk to any more; its own log may say why", g.p, g.p.pid)
}

// attend sees one connection to its end. A client that half-closes it, which
// gops does not, is taken for one that has gone.
func (g *gopsAgent) attend(ctx context.Context, c *net.TCPConn) {
	ctx, left := context.WithCancelCause(ctx)
	defer left(nil)
	defer context.AfterFunc(ctx, func() { reset(c) })()
	uid, err := tcpPeer(c)
	switch {
	case errors.Is(err, errGone):
		c.Close()
		return
	case err != nil:
		g.refuse(c, fmt.Errorf("refused somebody: the kernel does not say who it is: %w", err))
		return
	case uid != g.uid && uid != 0:
		g.refuse(c, fmt.Errorf("refused uid %d: this is for %s", uid, g.users()))
		return
	}
	request, err := readGops(c, g.o.timeout)
	switch {
	case err == io.EOF:
		c.Close() // somebody who only tried whether anybody listens
		return
	case err != nil:
		g.refuse(c, err)
		return
	}
	go func() {
		io.Copy(io.Discard, c) // until it has gone
		left(errGopsLeft)
	}()
	err = g.answer(ctx, c, request)
	switch {
	case err == nil:
		g.leave(c)
		return
	case ctx.Err() != nil:
		reset(c) // who ended it tells why
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

// errGopsLeft says that the client did not wait for the end of its answer.
var errGopsLeft = errors.New("gops left")

// printed says whether the client shows what it gets. All else it takes for a
// file, or does not look at; then a reset is the only failure it knows.
func printed(op byte) bool {
	switch op {
	case opcode.StackTrace, opcode.MemStats, opcode.Version, opcode.Stats, opcode.SetGCPercent:
		return true
	}
	return false
}

// readGops reads what a client says.
func readGops(c *net.TCPConn, timeout time.Duration) ([]byte, error) {
	c.SetReadDeadline(time.Now().Add(timeout))
	defer c.SetReadDeadline(time.Time{})
	r := bufio.NewReader(c)
	op, err := r.ReadByte()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, failf(statusTimeout, "somebody connected and said nothing within %v; try gops stack PID", timeout)
	case err != nil:
		return nil, err
	}
	if !console.IsGops(op) {
		return nil, failf(statusUsage, "somebody who is not gops says %q; try gops stack PID", op)
	}
	return gopsRequest(op, r)
}

// answer asks the process, and again while it is between two sessions: the one
// who holds it may be the client before, whose answer was cut short, and who
// comes when it is over but not yet closed is reset.
func (g *gopsAgent) answer(ctx context.Context, c *net.TCPConn, request []byte) error {
	late := time.Now().Add(g.o.timeout)
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		err := g.ask(ctx, c, request)
		again := statusOf(err) == statusBusy && g.cutShort || willPass(err)
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

func (g *gopsAgent) ask(ctx context.Context, c *net.TCPConn, request []byte) error {
	p, err := look(g.p.pid)
	if g.p.exited() { // and its pid may be somebody else's now
		return g.gone()
	}
	if err != nil {
		return err
	}
	defer p.close()
	session, err := p.enter(ctx, g.o)
	if err != nil {
		return err
	}
	defer session.Close()
	defer context.AfterFunc(ctx, func() { session.Close() })()
	session.Write(request) // one that is busy has hung up already; its line is there
	passed, own, err := passAnswer(patient{c}, session)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.HasPrefix(own, refused), strings.HasPrefix(own, busy):
		return turnedAway(p, own)
	case own != "":
		return failf(statusBroken, "%s says %q; try it with manhole-poke %d", p, own, p.pid)
	case p.exited():
		return g.gone()
	case passed == 0 && (err == nil || errors.Is(err, unix.ECONNRESET)):
		return p.unheard()
	case err != nil:
		return failf(statusBroken, "the answer of %s broke off: %v; try again", p, err)
	}
	return nil
}

// patient writes to a client as long as that reads.
type patient struct{ *net.TCPConn }

func (p patient) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(10 * time.Second))
	return p.TCPConn.Write(b)
}

// refuse says no, to the client and here; here once a second, because it may
// be somebody who tries to fill the disk that this is logged to.
func (g *gopsAgent) refuse(c *net.TCPConn, why error) {
	fmt.Fprintf(patient{c}, "manhole-poke: %s\n", printable.Line(why.Error()))
	g.leave(c)
	g.refusals++
	if time.Since(g.told) < time.Second {
		return
	}
	if g.refusals > 1 {
		why = fmt.Errorf("%w (and %d others)", why, g.refusals-1)
	}
	g.complain(why)
	g.told, g.refusals = time.Now(), 0
}

func (g *gopsAgent) complain(err error) {
	fmt.Fprintln(os.Stderr, "manhole-poke:", printable.Line(err.Error()))
}

// leave ends a connection so that the client reads all of it. What it sent and
// nobody read would make a reset of the end, tcp(7), so that is read first; but
// not for long, and not for more clients than a few.
func (g *gopsAgent) leave(c *net.TCPConn) {
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
