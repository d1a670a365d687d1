package gopsagent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/safepath"
	"golang.org/x/sys/unix"
)

// portFile returns where the gops client looks for the port of a process's
// agent. The directory belongs to the user who runs the client, who must be the
// one who runs this.
func portFile(pid int) (string, error) {
	dir := os.Getenv("GOPS_CONFIG_DIR")
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			u, err := user.Current()
			if err != nil {
				return "", exit.Errorf(exit.LocalIO, "gops-file", "cannot tell where gops looks for its files: %v; set GOPS_CONFIG_DIR=DIRECTORY, for gops too", err)
			}
			config = filepath.Join(u.HomeDir, ".config")
		}
		dir = filepath.Join(config, "gops")
	}
	return filepath.Join(dir, strconv.Itoa(pid)), nil
}

// open listens, and writes the file with the port.
func (g *agent) open() (err error) {
	if g.file, err = portFile(g.p.PID); err != nil {
		return err
	}
	if g.path, err = safepath.Resolve(g.file, true); err != nil {
		return g.noFile(err)
	}
	defer func() {
		if err != nil {
			g.path.Close()
		}
	}()
	if err := g.clear(); err != nil {
		return err
	}
	g.listener, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return exit.Errorf(exit.LocalIO, "loopback", "cannot listen for gops at 127.0.0.1: %v; is the loopback interface up?", err)
	}
	at := addrPort(g.listener.Addr())
	g.port = strconv.Itoa(int(at.Port()))
	_, seen, err := findTCP(ownNet, func(s tcpSocket) bool { return s.local == at })
	if err != nil || !seen {
		err = exit.Errorf(exit.Unsupported, "unsupported", "/proc/net/tcp does not show what listens here (%v), so nobody could be kept out; try manhole-poke %d", err, g.p.PID)
	} else {
		err = g.write()
	}
	if err != nil {
		g.listener.Close()
	}
	return err
}

func (g *agent) write() error {
	// Not over one that was just created, nor where a symlink leads.
	f, err := g.path.Open(os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600, regular)
	if err != nil {
		return g.noFile(err)
	}
	_, err = f.WriteString(g.port)
	if err = errors.Join(err, f.Close()); err != nil {
		g.path.Remove(g.path.Base)
		return g.noFile(err)
	}
	return nil
}

func regular(info safepath.Info) error {
	if !info.Is(unix.S_IFREG) {
		return errNotFile
	}
	return nil
}

var errNotFile = errors.New("it is not a file")

// read returns what the file says, which may be somebody else's by now.
func (g *agent) read() (string, error) {
	f, err := g.path.Open(os.O_RDONLY, 0, regular)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64))
	return string(text), err
}

func (g *agent) noFile(err error) error {
	return exit.Errorf(exit.LocalIO, "gops-file", "cannot write the file by which gops finds the port: %v; set GOPS_CONFIG_DIR=DIRECTORY, for gops too", err)
}

// close removes the file, unless it has become that of an agent.
func (g *agent) close() {
	g.listener.Close()
	defer g.path.Close()
	text, err := g.read()
	if err == nil && text == g.port {
		err = g.path.Remove(g.path.Base)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		g.complain(fmt.Errorf("cannot remove the file of the port: %w", err))
	}
}

// clear makes room for the file. One whose port has a listener is left alone;
// one without was left by a process that was killed, and is of no use to gops.
func (g *agent) clear() error {
	text, err := g.read()
	switch {
	case g.path.LinkTo != "", errors.Is(err, errNotFile), errors.Is(err, unix.ENXIO): // a link, a pipe, a socket
		return exit.Errorf(exit.LocalIO, "gops-file", "%s exists and is not a file; find out what it is, and remove it", g.file)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return g.noFile(err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err == nil {
		if err := g.vacant(uint16(port)); err != nil {
			return err
		}
	}
	if err := g.path.Remove(g.path.Base); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return g.noFile(err)
	}
	return nil
}

// vacant fails if somebody listens at a port. It does not try to connect: an
// agent whose client says nothing complains and never closes the connection.
func (g *agent) vacant(port uint16) error {
	someone := func(s tcpSocket) bool { return s.state == tcpListen && s.local.Port() == port }
	itself := func(s tcpSocket) bool { return someone(s) && g.p.HoldsSocket(s.inode) }
	_, agent, err := findTCP(ownNet, itself)
	_, elsewhere, err2 := findTCP(g.p.Proc("net"), itself)
	other, taken, err3 := findTCP(ownNet, someone)
	switch err := errors.Join(err, err2, err3); {
	case agent:
		return exit.Errorf(exit.Busy, "has-gops-agent", "%s already has a gops agent, so gops stack %d works without manhole-poke", g.p, g.p.PID)
	case elsewhere:
		return exit.Errorf(exit.Busy, "has-gops-agent", "%s already has a gops agent, in its network namespace; try nsenter -t %d -n gops stack %d", g.p, g.p.PID, g.p.PID)
	case taken:
		return exit.Errorf(exit.Busy, "has-gops-agent", "uid %d listens at port %d, which %s names: if that is another manhole-poke gops %d, use gops stack %d; otherwise remove the file", other.uid, port, g.file, g.p.PID, g.p.PID)
	case err != nil:
		return exit.Errorf(exit.LocalIO, "gops-file", "cannot tell whether somebody listens at port %d, which %s names: %v; remove the file if not", port, g.file, err)
	}
	return nil
}
