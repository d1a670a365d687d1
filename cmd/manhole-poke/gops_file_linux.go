package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// gopsFile is where the gops client looks for the port of a process's agent:
// in the directory of whoever runs it, which is to be the same who runs this.
func gopsFile(pid int) (string, error) {
	dir := os.Getenv("GOPS_CONFIG_DIR")
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			u, err := user.Current()
			if err != nil {
				return "", failf(statusHere, "cannot tell where gops looks for its files: %v; try with GOPS_CONFIG_DIR=DIRECTORY, for gops too", err)
			}
			config = filepath.Join(u.HomeDir, ".config")
		}
		dir = filepath.Join(config, "gops")
	}
	return filepath.Join(dir, strconv.Itoa(pid)), nil
}

// open listens, and says where.
func (g *gopsAgent) open() (err error) {
	if g.file, err = gopsFile(g.p.pid); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(g.file), 0o700); err != nil {
		return g.noFile(err)
	}
	if err := g.clear(); err != nil {
		return err
	}
	g.listener, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return failf(statusHere, "cannot listen for gops at 127.0.0.1: %v; is there a loopback interface, and up?", err)
	}
	at := addrPort(g.listener.Addr())
	g.port = strconv.Itoa(int(at.Port()))
	_, seen, err := findTCP(ownNet, func(s tcpSocket) bool { return s.local == at })
	if err != nil || !seen {
		err = failf(statusUnsupported, "/proc/net/tcp does not show what listens here (%v), so nobody could be kept out; try manhole-poke %d", err, g.p.pid)
	} else {
		err = g.write()
	}
	if err != nil {
		g.listener.Close()
	}
	return err
}

func (g *gopsAgent) write() error {
	// Not over one that came meanwhile, nor where a link leads.
	f, err := os.OpenFile(g.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return g.noFile(err)
	}
	_, err = f.WriteString(g.port)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(g.file)
		return g.noFile(err)
	}
	return nil
}

func (g *gopsAgent) noFile(err error) error {
	return failf(statusHere, "cannot write the file by which gops finds the port: %v; try with GOPS_CONFIG_DIR=DIRECTORY, for gops too", err)
}

// close removes the file, if it is not an agent's that came meanwhile.
func (g *gopsAgent) close() {
	g.listener.Close()
	text, err := os.ReadFile(g.file)
	if err == nil && string(text) == g.port {
		err = os.Remove(g.file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		g.complain(fmt.Errorf("cannot remove the file of the port: %w", err))
	}
}

// clear makes room for the file. One that a listener goes with is left alone;
// one without is what a process left that was killed, and of no use to gops.
func (g *gopsAgent) clear() error {
	switch st, err := os.Lstat(g.file); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return g.noFile(err)
	case !st.Mode().IsRegular():
		return failf(statusHere, "%s is in the way, and is not a file; look what it is, and remove it", g.file)
	}
	text, err := os.ReadFile(g.file)
	if err != nil {
		return g.noFile(err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err == nil {
		if err := g.vacant(uint16(port)); err != nil {
			return err
		}
	}
	if err := os.Remove(g.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return g.noFile(err)
	}
	return nil
}

// vacant fails if somebody listens at a port. It does not try to connect: an
// agent whose client says nothing complains, and never closes the connection.
func (g *gopsAgent) vacant(port uint16) error {
	someone := func(s tcpSocket) bool { return s.state == tcpListen && s.local.Port() == port }
	itself := func(s tcpSocket) bool { return someone(s) && g.p.holds(s.inode) }
	_, agent, err := findTCP(ownNet, itself)
	_, elsewhere, err2 := findTCP(g.p.proc("net"), itself)
	other, taken, err3 := findTCP(ownNet, someone)
	switch err := errors.Join(err, err2, err3); {
	case agent:
		return failf(statusAgent, "%s has an agent of gops's own, so gops stack %d works without manhole-poke", g.p, g.p.pid)
	case elsewhere:
		return failf(statusAgent, "%s has an agent of gops's own in its network namespace; try nsenter -t %d -n gops stack %d", g.p, g.p.pid, g.p.pid)
	case taken:
		return failf(statusAgent, "uid %d listens at port %d, which %s names: perhaps another manhole-poke gops %d, then try gops stack %d; if not, remove the file", other.uid, port, g.file, g.p.pid, g.p.pid)
	case err != nil:
		return failf(statusHere, "cannot tell whether somebody listens at port %d, which %s names: %v; remove the file if not", port, g.file, err)
	}
	return nil
}

// holds says whether the process has a socket open.
func (p *process) holds(inode uint64) (held bool) {
	socket := fmt.Sprintf("socket:[%d]", inode)
	search := func() {
		fds, _ := os.ReadDir(p.proc("fd"))
		held = slices.ContainsFunc(fds, func(fd fs.DirEntry) bool {
			link, _ := os.Readlink(p.proc("fd/" + fd.Name()))
			return link == socket
		})
	}
	if search(); !held {
		p.asOwner(search)
	}
	return held
}
