package lazy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func init() { roles["connections"] = connectionsMain }

// connectionsMain serves one connection in each of the ways in which one gets
// stuck. Its argument is the number of goroutines in excess, or "forbidden" for a
// seccomp filter that kills for process_vm_readv(2).
func connectionsMain() {
	if len(os.Args) > 1 && os.Args[1] == "forbidden" {
		if err := lazytest.Forbid(unix.SYS_PROCESS_VM_READV, unix.SECCOMP_RET_KILL_PROCESS); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		n, _ := strconv.Atoi(os.Args[1])
		for range n {
			go func() { select {} }()
		}
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go readPipe(pipe[0])
	fmt.Println("ready")
	fmt.Println(l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	io.Copy(io.Discard, os.Stdin)
}

// readPipe reads in a system call, as code does that knows nothing of the poller.
func readPipe(fd int) { syscall.Read(fd, make([]byte, 1)) }

func serve(c net.Conn) {
	kind := make([]byte, 1)
	io.ReadFull(c, kind)
	switch string(kind) {
	case "h":
		readRequest(c)
	case "w":
		sendAnswer(c)
	default:
		<-make(chan int) // neither reads nor closes
		runtime.KeepAlive(c)
	}
}

func readRequest(c net.Conn) { bufio.NewReader(c).ReadString('\n') }

func sendAnswer(c net.Conn) {
	for b := make([]byte, 1<<20); ; {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// stuck starts that program with a connection of each kind: half a request, an
// answer that nobody reads, bytes that the program does not read, and one that the
// peer has closed. Their addresses here are returned by these names.
func stuck(t *testing.T, args ...string) (tg *target, at map[string]string) {
	lazytest.SkipEmulated(t, "TCP_INFO is cut off, and there is no seccomp(2)")
	tg = &target{lazytest.Start(t, "connections", args...), t}
	tg.Ready()
	addr := tg.Line()
	at = map[string]string{"listener": addr}
	for name, says := range map[string]string{"half": "hGET / HT", "full": "w", "unread": "-hello", "closed": "-"} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, says); err != nil {
			t.Fatal(err)
		}
		at[name] = c.LocalAddr().String()
		if name == "closed" {
			c.Close()
		}
	}
	return tg, at
}

// nc sends a line with nc and returns the answer.
func (tg *target) nc(line string) string {
	tg.t.Helper()
	lazytest.Tool(tg.t, "nc")
	out, err := tg.Shell(lazytest.RingAndWait("/tmp/manhole-$PID") + "echo '" + line + "' | nc -N -U /tmp/manhole-$PID")
	if err != nil {
		tg.t.Fatal(err)
	}
	tg.Gone()
	return out
}

// TestStuckConnections: which connection is stuck, at what and in which goroutine.
func TestStuckConnections(t *testing.T) {
	tg, at := stuck(t)
	conn := func(name string) string { return ` +\d+ rw tcp ` + at["listener"] + " -> " + at[name] }
	const idle = `, idle [0-9.a-zµ]+: `
	wants := []string{
		conn("half") + ` ESTABLISHED` + idle + `received [0-9.a-zµ]+ ago, nothing sent, goroutine \d+ reads \(github.com/go-manhole/lazy_test.readRequest\)\n`,
		conn("full") + ` ESTABLISHED, \d+ bytes unacknowledged \(\d+ of them not sent, because the peer does not read\)` + idle +
			`received .*, goroutine \d+ writes \(github.com/go-manhole/lazy_test.sendAnswer\)\n`,
		conn("unread") + ` ESTABLISHED, 5 bytes unread` + idle + `received [^,]+, nothing sent\n`,
		conn("closed") + ` CLOSE-WAIT` + idle + `received [^,]+, nothing sent\n`,
		` rw tcp ` + at["listener"] + ` LISTEN, 0 of at most \d+ to be accepted, goroutine \d+ accepts \(github.com/go-manhole/lazy_test.connectionsMain.func\d\)\n`,
		` r  pipe:\[\d+\], goroutine \d+ reads \(github.com/go-manhole/lazy_test.readPipe\)\n`,
		` unix ` + tg.Path + ` LISTEN \(lazy's own\)\n`,
		` unix ` + tg.Path + ` -> unnamed connected \(pid \d+\) \(lazy's own\)\n`,
		` rw memfd:lazy-armed .* \(lazy's own\)\n`,
	}
	var got string
	lazytest.Eventually(t, "all connections are stuck", func() bool {
		got = tg.nc("fds")
		for _, want := range wants {
			if !regexp.MustCompile(strings.ReplaceAll(want, "tcp", "m?p?tcp")).MatchString(got) {
				t.Logf("no %s", want)
				return false
			}
		}
		return true
	})
	t.Logf("%s", got)

	// Who waits is a part of the line, and states and idle times choose.
	lazytest.Wants(t, tg.nc("fds readRequest"), at["half"], "; 1 shown\n")
	lazytest.Wants(t, tg.nc("fds -state close_wait"), at["closed"]+" CLOSE-WAIT", "; 1 shown\n")
	lazytest.Wants(t, tg.nc("fds -state establ -n 1"), " ESTABLISHED", "; 1 shown of the 3 asked for\n")
	lazytest.Wants(t, tg.nc("fds -idle 1000h"), "; 0 shown; not known is how long ", " others are idle")
	lines := strings.Split(tg.nc("fds -idle 1ms tcp"), "\n")
	var before time.Duration
	for i, line := range lines[:len(lines)-2] {
		_, text, _ := strings.Cut(line, ", idle ")
		text, _, _ = strings.Cut(text, ":")
		idle, err := time.ParseDuration(text)
		if err != nil || i > 0 && idle > before+time.Second { // each is looked at twice
			t.Errorf("%d: %s\n%s", i, text, strings.Join(lines, "\n"))
		}
		before = idle
	}

	// The other way round: from the goroutine to its descriptor.
	got = tg.nc("stack")
	for _, want := range []string{
		`1 IO wait, id \d+\n    waits for descriptor \d+ \(tcp ` + at["listener"] + " -> " + at["half"] + `\)\n(    .*\n)+    github.com/go-manhole/lazy_test.readRequest `,
		`1 syscall, id \d+\n    waits for descriptor \d+ \(pipe:\[\d+\]\)\n(    .*\n)+    github.com/go-manhole/lazy_test.readPipe `,
	} {
		if !regexp.MustCompile(strings.ReplaceAll(want, "tcp", "m?p?tcp")).MatchString(got) {
			t.Errorf("no %s in:\n%s", want, got)
		}
	}
}

// TestStuckConnectionAmongMany: where a look at all goroutines stops the world for
// long, it takes a flag.
func TestStuckConnectionAmongMany(t *testing.T) {
	tg, at := stuck(t, "2000")
	got := tg.nc("fds")
	lazytest.Wants(t, got, at["half"], " goroutines wait on them takes a stop of the world for about 20.", "ms; try fds -who\n")
	if strings.Contains(got, " reads (") {
		t.Error(got)
	}
	lazytest.Eventually(t, "the goroutine reads", func() bool {
		return strings.Contains(tg.nc("fds -who "+at["half"]), " reads (github.com/go-manhole/lazy_test.readRequest)\n")
	})
	lazytest.Wants(t, tg.nc("stack full -match readRequest"), "    waits for descriptor ", " -> "+at["half"]+")\n")
}

// TestStuckConnectionUnderSeccomp: a filter that kills for what it does not know
// does not kill for this.
func TestStuckConnectionUnderSeccomp(t *testing.T) {
	tg, at := stuck(t, "forbidden")
	lazytest.Eventually(t, "the goroutine reads", func() bool {
		return strings.Contains(tg.nc("fds "+at["half"]), " reads (github.com/go-manhole/lazy_test.readRequest)\n")
	})
	lazytest.Wants(t, tg.nc("stack -match readRequest"), "    waits for descriptor ", " -> "+at["half"]+")\n")
	lazytest.Wants(t, tg.nc("blocked"), " goroutines wait for ")
}
