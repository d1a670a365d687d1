package ring

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// shifted are the IDs of a user namespace as container engines make them, where
// the host's root is nobody.
var shifted = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}

// someone becomes a user in a container.
var someone = []string{"setpriv", "--reuid=33", "--regid=34", "--clear-groups"}

const full = lazytest.AllNamespaces

// A container is one with a target in it.
type container struct {
	setup      string
	namespaces uintptr
	uids       []syscall.SysProcIDMap
	user       []string
	role, path string
}

func (c container) start(t *testing.T) *poketest.Target {
	t.Helper()
	return poketest.Container(t, c.role, c.path, lazytest.Container{Setup: c.setup, Namespaces: c.namespaces, UIDs: c.uids, User: c.user})
}

func TestContainer(t *testing.T) {
	deep := "/tmp/" + strings.Repeat("d", 95) + "/door" // 106 bytes; from here it is longer than an address holds
	for name, c := range map[string]container{
		"all namespaces":             {namespaces: full},
		"another user":               {namespaces: full, user: someone},
		"user namespace":             {namespaces: full, uids: shifted},
		"user namespace, not root":   {namespaces: full, uids: shifted, user: someone},
		"without pid namespace":      {namespaces: syscall.CLONE_NEWNET},
		"long path":                  {path: deep, setup: "mkdir $R" + filepath.Dir(deep), namespaces: full},
		"links inside":               {path: "/run/door", setup: "mkdir -p $R/var/run; ln -s /var/run $R/run", namespaces: full},
		"read-only /tmp":             {setup: "mount -t tmpfs -o ro none $R/tmp", namespaces: full},
		"read-only root":             {setup: "mount -o remount,ro $R; mount -t tmpfs -o ro none $R/tmp; mount -o remount,ro $R/dev/shm", namespaces: full},
		"abstract, another user":     {path: "@a door", namespaces: full, user: someone},
		"abstract, user namespace":   {path: "@a door", namespaces: full, uids: shifted, user: someone},
		"abstract, one network":      {path: "@manhole-poke-test-door", namespaces: syscall.CLONE_NEWPID},
		"path of the user's own":     {path: "/home/door", setup: "mkdir -m 700 $R/home; chown 33:34 $R/home", namespaces: full, user: someone},
		"only its user is welcome":   {role: "lazy, but not for root", path: "/tmp/door", namespaces: full, user: someone},
		"only its user, user namesp": {role: "lazy, but not for root", path: "/tmp/door", namespaces: full, uids: shifted, user: someone},
	} {
		t.Run(name, func(t *testing.T) {
			if c.role == "" {
				c.role = "lazy by default"
				if c.path != "" {
					c.role = "lazy"
				}
			}
			g := c.start(t)
			poketest.Run(t, "", g.PID, "echo", "from", "inside").Succeeds(t, "from inside\n")
			poketest.Run(t, "echo a script\n", g.PID).Succeeds(t, "a script\n")
		})
	}
}

// A process in a container can be reached by a path of its socket.
func TestPathIntoContainer(t *testing.T) {
	g := container{role: "lazy", path: "/tmp/manhole-1", namespaces: full, uids: shifted, user: someone}.start(t)
	path := "/proc/" + g.PID + "/root/tmp/manhole-1"
	if err := unix.Kill(poketest.Atoi(t, g.PID), unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "the door is open", func() bool { _, err := os.Lstat(path); return err == nil })
	poketest.Run(t, "echo inside\n", path).Succeeds(t, "inside\n")
	lazytest.Eventually(t, "the door is closed", func() bool { _, err := os.Lstat(path); return err != nil })

	// By the name inside, if its PID is the one here.
	g = container{role: "lazy by default", namespaces: syscall.CLONE_NEWNET}.start(t)
	poketest.Run(t, "echo inside\n", g.Path).Succeeds(t, "inside\n")

	// In a directory that containers share, from another container, in which
	// the process is not visible.
	_, dir := poketest.SharedDir(t)
	g = poketest.StartAt(t, "lazy", dir+"/manhole-1")
	long := g.Path
	if len("/proc/self/root"+long) <= procfs.MaxPath {
		long = "/proc/self/root" + strings.Repeat("/.", 40) + long
	}
	g.Cmd.Process.Signal(syscall.SIGUSR2)
	lazytest.Eventually(t, "the door is open", func() bool { _, err := os.Lstat(g.Path); return err == nil })
	poketest.InPIDNamespace(t, "--mount-proc", long, "echo", "longer", "than", "an", "address").Succeeds(t, "longer than an address\n")
}

// Two containers share /tmp, and both have the PID 1.
func TestSharedPath(t *testing.T) {
	dir, _ := poketest.SharedDir(t)
	setup := "mount --bind " + dir + " $R/tmp"
	first := container{role: "lazy by default", setup: setup, namespaces: full}.start(t)
	second := container{role: "lazy by default", setup: setup, namespaces: full}.start(t)
	if err := unix.Kill(poketest.Atoi(t, first.PID), unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	var c net.Conn
	lazytest.Eventually(t, "the first listens", func() (ok bool) {
		var err error
		c, err = net.Dial("unix", dir+"/manhole-1")
		return err == nil
	})
	defer c.Close()
	poketest.Run(t, "", second.PID, "echo", "second").Succeeds(t, "second\n")

	// With paths of their own they cannot give way.
	first = container{role: "armed", path: "/tmp/door", setup: setup, namespaces: full}.start(t)
	second = container{role: "armed", path: "/tmp/door", setup: setup, namespaces: full}.start(t)
	if err := unix.Kill(poketest.Atoi(t, first.PID), unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "the first listens", func() bool { return poketest.Listens(t, "/tmp/door", first.PID) })
	poketest.Run(t, "", second.PID, "stats").Fails(t, exit.Busy, first.PID, second.PID, "/tmp/door", "share the directory")
	second.Unharmed(t)
}

// A process of another user with the PID of the path's in a pid namespace.
func TestListenerWithCraftedPID(t *testing.T) {
	_, dir := poketest.SharedDir(t)
	g := container{role: "without a note", path: dir + "/manhole-1", setup: "mkdir -p $R" + dir + "; mount --bind " + dir + " $R" + dir, namespaces: full, user: someone}.start(t)
	if err := unix.Kill(poketest.Atoi(t, g.PID), unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	path := dir + "/manhole-1"
	lazytest.Eventually(t, "it listens", func() bool { return poketest.Listens(t, path, g.PID) })
	poketest.Run(t, "secret\n", path).Fails(t, exit.Denied, "not process 1", "nothing was said")
}

// untouchable makes a socket of the host to which nobody may connect.
func untouchable(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Error("somebody connected to the host's socket")
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

// A hostile container decides what names mean in it, but no name leads out of it.
func TestHostileContainer(t *testing.T) {
	host := lazytest.PublicDir(t)
	untouchable(t, host+"/door")
	up := strings.Repeat("/..", 20)
	for name, c := range map[string]struct {
		path, setup string
		status      exit.Status
	}{
		"the socket is a link":       {"/tmp/door", "ln -s " + host + "/door $R/tmp/door", exit.Denied},
		"the directory is a link":    {"/trap/door", "ln -s " + host + " $R/trap", exit.Timeout},
		"the link leads upwards":     {"/tmp/trap/door", "ln -s ../.." + up + host + " $R/tmp/trap", exit.Timeout},
		"the path leads upwards":     {"/tmp" + up + host + "/door", "", exit.Timeout},
		"the link is one of /proc":   {"/trap/door", fmt.Sprintf("ln -s /proc/%d/root%s $R/trap", os.Getpid(), host), exit.LocalIO},
		"the link is of the process": {"/trap/door", "ln -s /proc/self/root" + host + " $R/trap", exit.LocalIO},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.path) > procfs.MaxPath {
				t.Fatal("the path is too long")
			}
			g := container{role: "deaf", path: c.path, setup: c.setup}.start(t)
			r := poketest.Run(t, "secret\n", "-t", "300ms", g.PID)
			r.Fails(t, c.status, c.path)
		})
	}
}

// Root connects as the process's user, if it can.
func TestRootIsTheUser(t *testing.T) {
	g := poketest.StartCopy(t, "lazy, but not for root", lazytest.CopyExe(t, "program"), 65534)
	poketest.Run(t, "", g.PID, "echo", "welcome").Succeeds(t, "welcome\n")
	poketest.Lacking(t, "-setuid", g.PID, "echo", "x").Fails(t, exit.Denied, "root is not wanted")
	poketest.Lacking(t, "-setgid", g.PID, "echo", "x").Fails(t, exit.Denied, "root is not wanted")

	// Without this capability root reads /proc as the user.
	poketest.Lacking(t, "-sys_ptrace", g.PID, "echo", "welcome").Succeeds(t, "welcome\n")
	poketest.Lacking(t, "-sys_ptrace,-setuid", g.PID, "echo", "x").Fails(t, exit.Denied, "root is not wanted")
	poketest.AsNobody(t, "echo own\n", g.PID).Succeeds(t, "own\n")
}

// A process with more capabilities hides its root directory. It gets the signal
// only if its socket may appear in a directory that is visible here.
func TestRootUnseen(t *testing.T) {
	const tmpIsOurs, readOnlyTmp, shmIsOurs = "mount --bind /tmp $R/tmp;", "mount -t tmpfs -o ro none $R/tmp;", "mount --bind /dev/shm $R/dev/shm;"
	for name, setup := range map[string]string{
		"/tmp":     tmpIsOurs,
		"/dev/shm": readOnlyTmp + shmIsOurs,
		"no file":  readOnlyTmp + "mount -t tmpfs -o ro none $R/dev/shm;",
	} {
		t.Run(name, func(t *testing.T) {
			g := container{role: "lazy by default", setup: setup}.start(t)
			poketest.Lacking(t, "-sys_ptrace", g.PID, "echo", "within", "reach").Succeeds(t, "within reach\n")
			poketest.Lacking(t, "-sys_ptrace", g.PID, "echo", "again").Succeeds(t, "again\n")
		})
	}
	for name, setup := range map[string]string{"own /tmp": shmIsOurs, "own /dev/shm": readOnlyTmp} {
		t.Run(name, func(t *testing.T) {
			g := container{role: "armed", setup: setup}.start(t)
			for _, flags := range [][]string{nil, {"-s", "USR2"}} {
				r := poketest.Lacking(t, "-sys_ptrace,-net_raw", append(flags, g.PID, "version")...)
				r.Fails(t, exit.Denied, g.PID, "its "+strings.TrimPrefix(name, "own ")+" is not the one here", "not signalled", "SYS_PTRACE", "kubectl exec", "-p PATH")
				g.Unharmed(t)
			}
			poketest.Lacking(t, "-net_raw", "-t", "1s", "-s", "USR1", g.PID, "version").Fails(t, exit.NotArmed) // with it all can be seen
		})
	}
	g := container{role: "armed", path: "/tmp/door", setup: tmpIsOurs}.start(t)
	poketest.Lacking(t, "-sys_ptrace", "-t", "100ms", g.PID, "version").Fails(t, exit.Timeout, "did not open /tmp/manhole-"+g.PID, "Its path cannot be seen from here", "-p PATH")
}

func TestUserAndContainer(t *testing.T) {
	// A rootless container.
	lazytest.NeedRoot(t)
	dir, program := lazytest.PublicDir(t), lazytest.CopyExe(t, "program")
	startIn := func(role, path string) *poketest.Target {
		return poketest.StartCommand(t, role, path, exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
			"unshare", "-Umn", "--map-root-user", program, path))
	}
	g := startIn("lazy", dir+"/door")
	poketest.AsNobody(t, "echo own\n", g.PID).Succeeds(t, "own\n")
	g = startIn("lazy", "@door")
	poketest.AsNobody(t, "echo own\n", g.PID).Fails(t, exit.Denied, "@door", "network namespace", "as root")
	poketest.Run(t, "", g.PID, "echo", "root").Succeeds(t, "root\n")

	g = container{role: "lazy", path: "/tmp/door", namespaces: full, uids: shifted}.start(t)
	poketest.AsNobody(t, "x\n", g.PID).Fails(t, exit.Denied, g.PID, "belongs to uid 100000", "uid 65534", "as root")
}

// manhole-poke in a user namespace.
func TestFromUserNamespace(t *testing.T) {
	g := poketest.StartCopy(t, "lazy", lazytest.CopyExe(t, "program"), 65534)
	inside := func(args ...string) poketest.Result {
		cmd := exec.Command(args[0], append(args[1:], "unshare", "-U", "--map-root-user", poketest.Binary(t), g.PID)...)
		cmd.Stdin = strings.NewReader("echo out\n")
		return poketest.Finish(t, cmd)
	}
	lazytest.InNamespaces(t, "", "-U", "--map-root-user")
	inside("env").Fails(t, exit.Denied, g.PID, "root here may not signal it", "root of the host")
	// The same user under another number, whom the kernel would not let debug the
	// process.
	inside("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups").Fails(t, exit.Denied, "user namespace below")
}

// If the descriptors are hidden, the socket is looked for at the usual paths and
// in the list of all sockets.
func TestGuess(t *testing.T) {
	for name, c := range map[string]container{
		"/tmp":          {path: "/tmp/manhole-1"},
		"/dev/shm":      {path: "/dev/shm/manhole-1"},
		"abstract":      {path: "@manhole-1"},
		"somewhere":     {path: "/run/manhole-1", setup: "mkdir $R/run"},
		"not of itself": {path: "/tmp/other"},
	} {
		t.Run(name, func(t *testing.T) {
			c.role, c.namespaces = "without a note", full
			g := c.start(t)
			r := poketest.Run(t, "a\n", "-s", "USR2", "-t", "1s", g.PID)
			if name == "not of itself" {
				r.Fails(t, exit.Timeout, "did not open /tmp/manhole-1")
				return
			}
			r.Succeeds(t, "you said a\n")
		})
	}
}

func TestPathGiven(t *testing.T) {
	g := container{role: "without a note", path: "@some door", namespaces: full}.start(t)
	poketest.Run(t, "a\n", "-s", "USR2", "-p", "@some door", g.PID).Succeeds(t, "you said a\n")
	g = container{role: "without a note", path: "/tmp/other", namespaces: full}.start(t)
	poketest.Run(t, "a\n", "-s", "USR2", "-p", "/proc/"+g.PID+"/root/tmp/other", g.PID).Succeeds(t, "you said a\n")
}

func TestPokeWithForeignProc(t *testing.T) {
	g := poketest.Start(t, "armed")
	poketest.InPIDNamespace(t, "-m", g.PID).Fails(t, exit.NotFound, g.PID)
	poketest.InPIDNamespace(t, "-m", "1").Fails(t, exit.Denied, "/proc", "another pid namespace")
	poketest.InPIDNamespace(t, "-m", "kernel", "1").Fails(t, exit.Denied, "/proc", "another pid namespace")
	g.Unharmed(t)
}
