package gopsagent

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// As Linux 6.18 prints them on a little-endian machine.
const (
	tcpListening = "   0: 0100007F:8675 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2242831 1 0000000000000000 100 0 0 10 0"
	tcpOpen      = "   1: 0100007F:B454 0200007F:8675 01 00000000:00000003 00:00000000 00000000 65534        0 2242834 1 0000000000000000 20 0 0 10 -1"
	tcpClosed    = "   2: 0100007F:B454 0100007F:8675 06 00000000:00000000 03:0000176E 00000000     0        0 0 3 0000000000000000"
	tcp6Mapped   = "   3: 0000000000000000FFFF00000100007F:B454 0000000000000000FFFF00000100007F:8675 01 00000000:00000000 00:00000000 00000000  1000        0 7 1 0000000000000000 20 0 0 10 -1"
	tcp6Open     = "   4: 000080FE00000000FF005450B6AD1DFE:0016 00000000000000000000000001000000:C000 01 00000000:00000000 00:00000000 00000000  1000        0 8 1 0000000000000000 20 0 0 10 -1"
)

func TestParseTCPSocket(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the lines are of a little-endian machine")
	}
	at := netip.MustParseAddrPort
	for line, want := range map[string]tcpSocket{
		tcpListening: {at("127.0.0.1:34421"), at("0.0.0.0:0"), tcpListen, 0, 2242831},
		tcpOpen:      {at("127.0.0.1:46164"), at("127.0.0.2:34421"), tcpEstablished, 65534, 2242834},
		tcpClosed:    {at("127.0.0.1:46164"), at("127.0.0.1:34421"), 6, 0, 0},
		tcp6Mapped:   {at("127.0.0.1:46164"), at("127.0.0.1:34421"), tcpEstablished, 1000, 7},
		tcp6Open:     {at("[fe80::5054:ff:fe1d:adb6]:22"), at("[::1]:49152"), tcpEstablished, 1000, 8},
	} {
		if s, err := parseTCPSocket(line); err != nil || s != want {
			t.Errorf("%q: got %+v, %v; want %+v", line, s, err, want)
		}
	}
	for _, bad := range []string{
		"", "   0:",
		strings.Replace(tcpOpen, "0100007F:B454", "0100007F", 1),
		strings.Replace(tcpOpen, "0100007F:B454", "01007F:B454", 1),
		strings.Replace(tcpOpen, "0100007F:B454", "0100007G:B454", 1),
		strings.Replace(tcpOpen, "0200007F:8675", "0200007F:18675", 1),
		strings.Replace(tcpOpen, " 01 ", " 101 ", 1),
		strings.Replace(tcpOpen, "65534", "-1", 1),
		strings.Replace(tcpOpen, "65534", "4294967296", 1),
		strings.Replace(tcpOpen, "2242834", "x", 1),
	} {
		if s, err := parseTCPSocket(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
}

func FuzzParseTCPSocket(f *testing.F) {
	for _, line := range []string{tcpListening, tcpOpen, tcpClosed, tcp6Mapped, tcp6Open} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseTCPSocket(line)
		if err != nil {
			return
		}
		if !s.local.IsValid() || !s.remote.IsValid() || s.local.Addr().Is4In6() || s.remote.Addr().Is4In6() || s.uid < 0 || s.state > 255 {
			t.Errorf("believed %q: %+v", line, s)
		}
	})
}

// A caller is one end of a connection to be looked up.
type caller struct {
	fd     int
	family int
}

func call(t *testing.T, l net.Listener, family, from int) caller {
	t.Helper()
	c := caller{family: family}
	var err error
	if c.fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Skip(err)
	}
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(c.fd, c.address(from)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(c.fd, c.address(int(addrPort(l.Addr()).Port()))); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c caller) address(port int) unix.Sockaddr {
	if c.family == unix.AF_INET {
		return &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	}
	return &unix.SockaddrInet6{Port: port, Addr: [16]byte{10: 0xff, 0xff, 127, 0, 0, 1}}
}

// as calls f on a thread with another fsuid, which is the owner of new sockets,
// credentials(7).
func as(t *testing.T, uid int, f func()) {
	t.Helper()
	lazytest.NeedRoot(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(uid); err != nil {
		t.Fatal(err)
	}
	defer unix.Setfsuid(os.Geteuid())
	f()
}

// Both ways to find out agree.
func TestTCPPeer(t *testing.T) {
	if !hasDiag() {
		t.Log("no sock_diag here")
	}
	t.Run("asked", testTCPPeer)
	was := hasDiag
	hasDiag = func() bool { return false }
	defer func() { hasDiag = was }()
	t.Run("searched", testTCPPeer)
}

func testTCPPeer(t *testing.T) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	accept := func(t *testing.T) *net.TCPConn {
		t.Helper()
		c, err := l.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	// received waits until all that the caller did has arrived.
	received := func(t *testing.T, c *net.TCPConn) {
		t.Helper()
		c.SetReadDeadline(time.Now().Add(lazytest.Patience))
		if b, _ := io.ReadAll(c); string(b) != "x" {
			t.Fatalf("received %q", b)
		}
	}
	for name, family := range map[string]int{"IPv4": unix.AF_INET, "IPv4 in IPv6": unix.AF_INET6} {
		t.Run(name, func(t *testing.T) {
			them := call(t, l, family, 0)
			defer unix.Close(them.fd)
			if uid, err := tcpPeer(accept(t)); err != nil || uid != os.Geteuid() {
				t.Errorf("uid %d, %v", uid, err)
			}
		})
		t.Run(name+" of another user", func(t *testing.T) {
			var them caller
			as(t, 65534, func() { them = call(t, l, family, 0) })
			defer unix.Close(them.fd)
			if uid, err := tcpPeer(accept(t)); err != nil || uid != 65534 {
				t.Errorf("uid %d, %v", uid, err)
			}
		})
	}
	// A client that does not wait for an answer may still have sent a command,
	// and the kernel no longer shows its owner.
	t.Run("closed", func(t *testing.T) {
		as(t, 65534, func() {
			them := call(t, l, unix.AF_INET, 0)
			unix.Write(them.fd, []byte("x"))
			unix.Close(them.fd)
		})
		us := accept(t)
		received(t, us)
		if uid, err := tcpPeer(us); !errors.Is(err, errGone) {
			t.Errorf("uid %d, %v", uid, err)
		}
	})
	t.Run("half-closed", func(t *testing.T) {
		them := call(t, l, unix.AF_INET, 0)
		defer unix.Close(them.fd)
		unix.Write(them.fd, []byte("x"))
		unix.Shutdown(them.fd, unix.SHUT_WR)
		us := accept(t)
		received(t, us)
		if uid, err := tcpPeer(us); !errors.Is(err, errGone) {
			t.Errorf("uid %d, %v", uid, err)
		}
	})
	t.Run("reset, and its port another's", func(t *testing.T) {
		var port int
		as(t, 65534, func() {
			them := call(t, l, unix.AF_INET, 0)
			name, err := unix.Getsockname(them.fd)
			if err != nil {
				t.Fatal(err)
			}
			port = name.(*unix.SockaddrInet4).Port
			unix.Write(them.fd, []byte("x"))
			unix.SetsockoptLinger(them.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			unix.Close(them.fd)
		})
		other := call(t, l, unix.AF_INET, port)
		defer unix.Close(other.fd)
		us := accept(t)
		if addrPort(us.RemoteAddr()).Port() != uint16(port) {
			t.Fatal("not the one that was reset")
		}
		if uid, err := tcpPeer(us); !errors.Is(err, errGone) {
			t.Errorf("uid %d, %v", uid, err)
		}
		received(t, us) // it could have been obeyed
		if uid, err := tcpPeer(accept(t)); err != nil || uid != os.Geteuid() {
			t.Errorf("the other: uid %d, %v", uid, err)
		}
	})
	t.Run("crowd", func(t *testing.T) {
		// While lines come and go, none is missed.
		stop := make(chan bool)
		var crowd sync.WaitGroup
		defer crowd.Wait()
		defer close(stop)
		for range 4 {
			crowd.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						comeAndGo()
					}
				}
			})
		}
		them := call(t, l, unix.AF_INET, 0)
		defer unix.Close(them.fd)
		us := accept(t)
		for range 50 {
			if uid, err := tcpPeer(us); err != nil || uid != os.Geteuid() {
				t.Fatalf("uid %d, %v", uid, err)
			}
		}
	})
}

func comeAndGo() {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return
	}
	defer l.Close()
	if c, err := net.Dial("tcp4", l.Addr().String()); err == nil {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}
