package lazy_test

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

func init() { roles["flood"] = floodMain }

// floodMain connects to the path in its argument until its standard input ends,
// and prints how often it was refused.
func floodMain() {
	fmt.Println("ready")
	stop := make(chan bool)
	go func() {
		os.Stdin.Read(make([]byte, 1))
		close(stop)
	}()
	for n := 0; ; n++ {
		select {
		case <-stop:
			fmt.Println(n)
			return
		default:
		}
		c, err := net.Dial("unix", os.Args[1])
		if err != nil {
			n--
			time.Sleep(time.Millisecond)
			continue
		}
		c.Read(make([]byte, 200)) // the refusal
		c.Close()
	}
}

// Another user who connects to an abstract socket without end does not flood the
// log: the records say how many they stand for.
func TestRefusalsInTheLog(t *testing.T) {
	as := lazytest.AsUser(t, stranger)
	t.Parallel()
	path := fmt.Sprintf("@manhole-of-test-%d-flood", os.Getpid())
	tg := startTarget(t, "-path", path)
	flood := lazytest.Launch(t, "flood", lazytest.Wrap(lazytest.Command(lazytest.CopyExe(t, "target"), path), as...)).Ready()
	start := time.Now()
	tg.Ring()
	lazytest.Eventually(t, "there is a count", func() bool { return strings.Contains(tg.Log.String(), " more=") })
	c := tg.Dial()
	c.CloseWrite()
	lazytest.Rest(t, c)
	tg.NotListening()
	tg.Logged("session over")
	took := time.Since(start) // however slow the machine is, it bounds the records

	flood.Tell("stop")
	refused := flood.AskInt("")
	log := tg.Log.String()
	records := strings.Count(log, "lazy: peer refused")
	said := records
	for _, more := range regexp.MustCompile(` more=(\d+)`).FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(more[1])
		said += n
	}
	if limit := int(took/time.Second) + 2; records > limit {
		t.Errorf("%d records in %v", records, took)
	}
	// What waited in the queue when the session ended was not looked at.
	if said > refused || said < refused/2 {
		t.Errorf("%d refusals, of which the log counts %d:\n%s", refused, said, log)
	}
}

// Where the usual path cannot be used at the ring, the socket opens at the next
// one, and the log says why.
func TestNextUsualPath(t *testing.T) {
	as := lazytest.AsUser(t, someone)
	lazytest.Tool(t, "mount")
	lazytest.Tool(t, "nsenter")
	lazytest.SkipEmulated(t, "the emulator opens the test binary by its name")
	t.Parallel()
	// in runs a shell script in the process's mount namespace.
	in := func(tg *target, script string) {
		if out, err := tg.Shell("nsenter -m -t $PID sh -ec '" + script + "'"); err != nil {
			tg.t.Fatalf("%v: %s", err, out)
		}
	}
	// listen puts a socket of another user at its usual path.
	listen := func(tg *target) *net.UnixListener {
		path := fmt.Sprintf("/proc/%d/root%s", tg.PID, tg.Path)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err == nil {
			l.SetUnlinkOnClose(false)
			err = os.Chown(path, stranger, stranger)
		}
		if err != nil {
			tg.t.Fatal(err)
		}
		tg.t.Cleanup(func() { l.Close() })
		return l
	}
	for _, c := range []struct {
		name   string
		spoil  func(*target) // once it is armed
		why    string
		remain bool // what is at the usual path stays there
	}{
		{"full", func(tg *target) {
			in(tg, "mount -o remount,nr_inodes=2 /tmp; touch /tmp/a; if touch /tmp/b; then exit 1; fi")
		}, "no space left", false},
		{"not writable", func(tg *target) { in(tg, "chmod 755 /tmp") }, "permission denied", false},
		{"read-only", func(tg *target) { in(tg, "mount -o remount,ro /tmp") }, "read-only", false},
		{"alive", func(tg *target) { listen(tg) }, "belongs to uid 64321", true},
		{"dead", func(tg *target) { listen(tg).Close() }, "belongs to uid 64321", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrapper := lazytest.InNamespaces(t, "mount -t tmpfs -o mode=1777 none /tmp", "-m")
			exe, err := os.Open(lazytest.Exe(t))
			if err != nil {
				t.Fatal(err)
			}
			defer exe.Close()
			cmd := lazytest.Wrap(lazytest.Command("/proc/self/fd/3"), append(wrapper, as...)...)
			cmd.ExtraFiles = []*os.File{exe}
			tg := launchCommand(t, cmd).ready()
			c.spoil(tg)
			usual := tg.Path
			tg.Path = "/dev/shm/manhole-" + strconv.Itoa(tg.PID)
			for range 2 {
				lazytest.Wants(t, tg.Script("version\n"), "go1.")
				tg.Gone()
			}
			lazytest.Wants(t, tg.Log.String(), "not at its usual path", "path="+tg.Path, c.why)
			if c.remain && !lazytest.Exists(fmt.Sprintf("/proc/%d/root%s", tg.PID, usual)) {
				t.Error("another user's socket was removed")
			}
		})
	}
}
