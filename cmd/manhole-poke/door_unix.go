//go:build unix

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A door is where a session begins: a process, or a path.
type door struct {
	pid  int // 0 if there is only the path
	path string
}

func (d door) String() string {
	if d.pid == 0 {
		return d.path
	}
	return strconv.Itoa(d.pid)
}

// doorOf finds out what a target means: a PID, a PATH, which contains a slash,
// or a name.
func doorOf(o options, target string) (door, error) {
	if strings.Contains(target, "/") {
		if o.path != "" {
			return door{}, failf(statusUsage, "-p goes with a PID; without one the path alone is enough: manhole-poke %s", target)
		}
		return door{path: target}, nil
	}
	if strings.Trim(target, "-0123456789") == "" {
		pid, err := strconv.ParseUint(target, 10, 31)
		if err != nil || pid == 0 {
			return door{}, failf(statusUsage, "%q is no PID, and no name or PATH, which would contain a slash; manhole-poke alone lists the Go processes", target)
		}
		return door{pid: int(pid)}, nil
	}
	pid, err := resolve(o, target)
	return door{pid: pid}, err
}

// same says whether both surely are one process's. A path at which somebody
// listens could tell whose it is, but only who connects would hear that, and it
// would be a peer without a word.
func (d door) same(other door) bool {
	switch {
	case d == other:
		return true
	case d.pid == 0 && other.pid == 0:
		return samePlace(d.path, other.path)
	case d.pid == 0:
		return other.same(d)
	case other.pid != 0:
		return false
	}
	p, err := look(d.pid)
	if err != nil {
		return false
	}
	defer p.close()
	same, _ := p.opensAt(other.path)
	return same
}

// samePlace compares paths at which nothing need be yet.
func samePlace(a, b string) bool {
	inA, err := os.Stat(filepath.Dir(a))
	if err != nil {
		return false
	}
	inB, err := os.Stat(filepath.Dir(b))
	return err == nil && os.SameFile(inA, inB) && filepath.Base(a) == filepath.Base(b)
}

// open begins a session in frames; wants are the options of frame.Opening.
func (d door) open(ctx context.Context, o options, wants ...string) (c *client, err error) {
	err = d.attempt(ctx, o, func(p *process, conn *net.UnixConn) error {
		c, err = engage(ctx, p, conn, o.timeout, wants...)
		return err
	})
	return c, err
}

// attempt enters, and begins. Who comes when the session before is just ending
// is told that it is busy, or hung up on, and so tries again. The process is
// left open if that succeeds.
func (d door) attempt(ctx context.Context, o options, begin func(*process, *net.UnixConn) error) error {
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		p, conn, err := d.enter(ctx, o)
		if err != nil {
			return err
		}
		if err = begin(p, conn); err == nil {
			return nil
		}
		p.close()
		if !willPass(err) || pause > 500*time.Millisecond {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// wait returns early, with the reason to leave, when there is one.
func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pause):
		return nil
	}
}

// enter connects, and leaves it to the caller to close both.
func (d door) enter(ctx context.Context, o options) (*process, *net.UnixConn, error) {
	if d.pid == 0 {
		return enterPath(ctx, o, d.path)
	}
	p, err := look(d.pid)
	if err != nil {
		return nil, nil, err
	}
	conn, err := p.enter(ctx, o)
	if err != nil {
		p.close()
		return nil, nil, err
	}
	return p, conn, nil
}
