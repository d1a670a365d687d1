package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// A container is what one is made of: a root directory of its own, with what
// a program needs bound into it, and whatever namespaces the test asks for.
type container struct {
	setup      string // run in the new mount namespace; $R is its root
	namespaces uintptr
	uids       []syscall.SysProcIDMap
	user       string // how to become another user in it
	role, path string
}

// full is what container engines make.
const full = syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC

func (c container) start(t *testing.T) *target {
	t.Helper()
	needRoot(t)
	for _, tool := range []string{"unshare", "mount", "chroot", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	if out, err := runTool("unshare", "-mpfn", "mount", "-t", "tmpfs", "none", "/tmp"); err != nil {
		t.Skipf("a container takes namespaces: %v %s", err, out)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The root is a file system that nothing outside can see.
	script := `set -e
		mount --make-rprivate /
		R=/mnt
		mount -t tmpfs -o mode=755 none $R
		for d in usr lib lib64 bin etc; do
			[ -d /$d ] || continue
			mkdir $R/$d
			mount --rbind /$d $R/$d
		done
		mkdir -p $R/proc $R/tmp $R/dev/shm
		chmod 1777 $R/tmp
		mount -t proc proc $R/proc
		for f in null zero urandom; do : >$R/dev/$f; mount --bind /dev/$f $R/dev/$f; done
		mount -t tmpfs -o mode=1777 none $R/dev/shm
		cat <&3 >$R/program
		chmod 755 $R/program
		` + c.setup + `
		exec 3<&- chroot $R ` + c.user + ` /program "$0"`
	program, err := os.Open(exe) // a user namespace's root may not by its name
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	cmd := exec.Command("sh", "-c", script, c.path)
	cmd.ExtraFiles = []*os.File{program}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: c.namespaces | syscall.CLONE_NEWNS}
	if c.uids != nil {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = c.uids, c.uids
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
		cmd.SysProcAttr.Credential = &syscall.Credential{}
	}
	return startCommand(t, c.role, c.path, cmd)
}

// shifted is a user namespace as container engines make them, where the host's
// root is nobody.
var shifted = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}

const someone = "setpriv --reuid=33 --regid=34 --clear-groups"

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
			pokeWith(t, "", g.pid, "echo", "from", "inside").succeeds(t, "from inside\n")
			pokeWith(t, "echo a script\n", g.pid).succeeds(t, "a script\n")
		})
	}
}

// Where it lives is no secret to who reaches it by a path.
func TestPathIntoContainer(t *testing.T) {
	g := container{role: "lazy", path: "/tmp/manhole-1", namespaces: full, uids: shifted, user: someone}.start(t)
	path := "/proc/" + g.pid + "/root/tmp/manhole-1"
	if err := unix.Kill(mustAtoi(t, g.pid), unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	until(t, "the door is open", func() bool { _, err := os.Lstat(path); return err == nil })
	pokeWith(t, "echo inside\n", path).succeeds(t, "inside\n")
	until(t, "the door is closed", func() bool { _, err := os.Lstat(path); return err != nil })

	// The name that it has inside, if the PID in it is the one here.
	g = container{role: "lazy by default", namespaces: syscall.CLONE_NEWNET}.start(t)
	pokeWith(t, "echo inside\n", g.path).succeeds(t, "inside\n")

	// A directory that containers share, and a process that is not seen
	// because poke is in another one.
	dir := sharedDir(t)
	g = startAt(t, "lazy", dir+"/"+strings.Repeat("d", 60)+"/manhole-1")
	long := g.path
	if len("/proc/self/root"+long) <= procfs.MaxPath {
		long = "/proc/self/root" + strings.Repeat("/.", 40) + long
	}
	g.cmd.Process.Signal(syscall.SIGUSR2)
	until(t, "the door is open", func() bool { _, err := os.Lstat(g.path); return err == nil })
	inPidNamespace(t, "--mount-proc", long, "echo", "longer", "than", "an", "address").succeeds(t, "longer than an address\n")
}

// sharedDir has a long name in it, which everybody may use.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "poke")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{dir, dir + "/" + strings.Repeat("d", 60)} {
		if err := errors.Join(os.MkdirAll(d, 0o755), os.Chmod(d, 0o777)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// untouchable is a socket of the host's to which nobody must connect.
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

// Whoever rules in a container decides what names mean there, but no name leads
// out of it.
func TestHostileContainer(t *testing.T) {
	host := sharedDir(t)
	untouchable(t, host+"/door")
	up := strings.Repeat("/..", 20)
	for name, c := range map[string]struct {
		path, setup string
		status      status
	}{
		"the socket is a link":       {"/tmp/door", "ln -s " + host + "/door $R/tmp/door", statusTimeout},
		"the directory is a link":    {"/trap/door", "ln -s " + host + " $R/trap", statusTimeout},
		"the link leads upwards":     {"/tmp/trap/door", "ln -s ../.." + up + host + " $R/tmp/trap", statusTimeout},
		"the path leads upwards":     {"/tmp" + up + host + "/door", "", statusTimeout},
		"the link is one of /proc":   {"/trap/door", fmt.Sprintf("ln -s /proc/%d/root%s $R/trap", os.Getpid(), host), statusHere},
		"the link is of the process": {"/trap/door", "ln -s /proc/self/root" + host + " $R/trap", statusHere},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.path) > procfs.MaxPath {
				t.Fatal("the path is too long")
			}
			g := container{role: "deaf", path: c.path, setup: c.setup}.start(t)
			r := pokeWith(t, "secret\n", "-t", "300ms", g.pid)
			r.fails(t, c.status, c.path)
		})
	}
}

func TestOpenWithin(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	for _, err := range []error{
		os.MkdirAll(root+"/a/b", 0o755),
		os.WriteFile(root+"/a/b/file", nil, 0o644),
		os.WriteFile(outside+"/file", nil, 0o644),
		os.Symlink("b", root+"/a/inside"),
		os.Symlink(outside, root+"/out"),
		os.Symlink("../../../../../../../.."+outside, root+"/up"),
		os.Symlink(outside+"/file", root+"/link"),
		os.Symlink("/proc/self/root", root+"/magic"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for name, open := range map[string]func(int, string) (int, error){"openat2": openWithin, "slowly": openWithinSlowly} {
		for path, want := range map[string]string{
			"/a/b/file": "file", "/a/inside/file": "file", "//a//b//file": "file", "/link": "link", "/none": "",
			"/out/file": "", "/up/file": "", "/magic" + outside + "/file": "", "/a/b/file/x": "",
		} {
			fd, err := open(int(dir.Fd()), path)
			if want == "" {
				if err == nil {
					t.Errorf("%s: %s was opened", name, path)
					unix.Close(fd)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %s: %v", name, path, err)
				continue
			}
			if got, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err != nil || filepath.Base(got) != want || !strings.HasPrefix(got, root) {
				t.Errorf("%s: %s is %s, %v", name, path, got, err)
			}
			unix.Close(fd)
		}
	}
}

// lacking runs manhole-poke as root that lacks capabilities.
func lacking(t *testing.T, capabilities string, args ...string) result {
	t.Helper()
	needRoot(t)
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("setpriv", append([]string{"--bounding-set", capabilities, pokeBinary}, args...)...)
	return finish(t, cmd)
}

// Root comes as the process's own user, unless it cannot.
func TestRootIsTheUser(t *testing.T) {
	g := startCopy(t, "lazy, but not for root", copied(t, "program"), 65534)
	pokeWith(t, "", g.pid, "echo", "welcome").succeeds(t, "welcome\n")
	lacking(t, "-setuid", g.pid, "echo", "x").fails(t, statusRefused, "root is not wanted")
	lacking(t, "-setgid", g.pid, "echo", "x").fails(t, statusRefused, "root is not wanted")

	// What root may not read in /proc without this one, the user may.
	lacking(t, "-sys_ptrace", g.pid, "echo", "welcome").succeeds(t, "welcome\n")
	lacking(t, "-sys_ptrace,-setuid", g.pid, "echo", "x").fails(t, statusRefused, "root is not wanted")
	asNobody(t, "echo own\n", g.pid).succeeds(t, "own\n")
}

// A process with more capabilities lets nobody see its root directory. It is rung
// only if its door may open in a directory that is here, too.
func TestRootUnseen(t *testing.T) {
	const tmpIsOurs, readOnlyTmp, shmIsOurs = "mount --bind /tmp $R/tmp;", "mount -t tmpfs -o ro none $R/tmp;", "mount --bind /dev/shm $R/dev/shm;"
	for name, setup := range map[string]string{
		"/tmp":     tmpIsOurs,
		"/dev/shm": readOnlyTmp + shmIsOurs,
		"no file":  readOnlyTmp + "mount -t tmpfs -o ro none $R/dev/shm;",
	} {
		t.Run(name, func(t *testing.T) {
			g := container{role: "lazy by default", setup: setup}.start(t)
			lacking(t, "-sys_ptrace", g.pid, "echo", "within", "reach").succeeds(t, "within reach\n")
			lacking(t, "-sys_ptrace", g.pid, "echo", "again").succeeds(t, "again\n")
		})
	}
	for name, setup := range map[string]string{"own /tmp": shmIsOurs, "own /dev/shm": readOnlyTmp} {
		t.Run(name, func(t *testing.T) {
			g := container{role: "armed", setup: setup}.start(t)
			for _, flags := range [][]string{nil, {"-s", "USR2"}} {
				r := lacking(t, "-sys_ptrace,-net_raw", append(flags, g.pid, "version")...)
				r.fails(t, statusUnlooked, g.pid, "its "+strings.TrimPrefix(name, "own ")+" is not the one here", "not rung", "SYS_PTRACE", "kubectl exec", "-p PATH")
				g.unharmed(t)
			}
			lacking(t, "-net_raw", "-t", "1s", "-s", "USR1", g.pid, "version").fails(t, statusOtherSignal) // with it all can be seen
		})
	}
	g := container{role: "armed", path: "/tmp/door", setup: tmpIsOurs}.start(t)
	lacking(t, "-sys_ptrace", "-t", "100ms", g.pid, "version").fails(t, statusTimeout, "did not open /tmp/manhole-"+g.pid, "cannot be seen from here: -p PATH")
}

// Nothing of it stays behind in the threads of this process.
func TestNothingLeaks(t *testing.T) {
	needRoot(t)
	path := sharedDir(t) + "/door"
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Chown(path, 65534, 65533); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		done := make(chan error)
		go func() {
			c, _, err := dial(path)
			if err == nil {
				c.Close()
			}
			done <- err
		}()
		c, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil || cred.Uid != 65534 || cred.Gid != 65533 || int(cred.Pid) != os.Getpid() {
				t.Errorf("connected as %+v, %v", cred, err)
			}
			if groups, err := peerGroups(int(fd)); err != nil || groups != 0 {
				t.Errorf("connected with %d groups, %v", groups, err)
			}
		})
		c.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all threads are root's", func() bool {
		tasks, err := filepath.Glob("/proc/self/task/*/status")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			text, err := os.ReadFile(task)
			if err != nil {
				continue
			}
			if s, err := procfs.ParseStatus(text); err == nil && (s.UID != 0 || s.GID != os.Getegid()) {
				return false
			}
		}
		return true
	})
}

// peerGroups counts the supplementary groups that the peer had.
func peerGroups(fd int) (int, error) {
	s, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS)
	return len(s) / 4, err
}

func TestUserAndContainer(t *testing.T) {
	// Rootless: a container of the user's own.
	needRoot(t)
	dir, program := sharedDir(t), copied(t, "program")
	startIn := func(role, path string) *target {
		if _, err := exec.LookPath("setpriv"); err != nil {
			t.Skip(err)
		}
		return startCommand(t, role, path, exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
			"unshare", "-Umn", "--map-root-user", program, path))
	}
	g := startIn("lazy", dir+"/door")
	asNobody(t, "echo own\n", g.pid).succeeds(t, "own\n")
	g = startIn("lazy", "@door")
	asNobody(t, "echo own\n", g.pid).fails(t, statusPermission, "@door", "network namespace", "as root")
	pokeWith(t, "", g.pid, "echo", "root").succeeds(t, "root\n")

	g = container{role: "lazy", path: "/tmp/door", namespaces: full, uids: shifted}.start(t)
	asNobody(t, "x\n", g.pid).fails(t, statusPermission, g.pid, "belongs to uid 100000", "uid 65534", "as root")
}

// Poke itself in a user namespace.
func TestFromUserNamespace(t *testing.T) {
	g := startCopy(t, "lazy", copied(t, "program"), 65534)
	inside := func(args ...string) result {
		cmd := exec.Command(args[0], append(args[1:], "unshare", "-U", "--map-root-user", pokeBinary, g.pid)...)
		cmd.Stdin = strings.NewReader("echo out\n")
		return finish(t, cmd)
	}
	if out, err := runTool("unshare", "-U", "--map-root-user", "true"); err != nil {
		t.Skipf("a user namespace takes unshare: %v %s", err, out)
	}
	inside("env").fails(t, statusPermission, g.pid, "root here may not signal it", "root of the host")
	// The same user under another name, to whom /proc tells next to nothing.
	inside("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups").succeeds(t, "out\n")
}

// If its descriptors tell nothing there are few places to look, and a list of
// all sockets.
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
			r := pokeWith(t, "a\n", "-s", "USR2", "-t", "1s", g.pid)
			if name == "not of itself" {
				r.fails(t, statusTimeout, "did not open /tmp/manhole-1")
				return
			}
			r.succeeds(t, "you said a\n")
		})
	}
}

func TestPathGiven(t *testing.T) {
	g := container{role: "without a note", path: "@some door", namespaces: full}.start(t)
	pokeWith(t, "a\n", "-s", "USR2", "-p", "@some door", g.pid).succeeds(t, "you said a\n")
	g = container{role: "without a note", path: "/tmp/other", namespaces: full}.start(t)
	pokeWith(t, "a\n", "-s", "USR2", "-p", "/proc/"+g.pid+"/root/tmp/other", g.pid).succeeds(t, "you said a\n")
}

// A path given is seen from here, and what the process says of its own from
// there. Only one that cannot be meant is refused, and then before the ring.
func TestOtherPath(t *testing.T) {
	g := start(t, "armed")
	dir := t.TempDir()
	if err := os.Symlink(filepath.Dir(g.path), dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(g.path, dir+"/door"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/tmp/manhole-" + g.pid, dir + "/none/door", dir + "/other", "@door", g.path + "/door"} {
		pokeWith(t, "a\n", "-p", path, g.pid).fails(t, statusOtherPath, g.pid, "armed for "+g.path, path, "not rung", "without -p")
		pokeWith(t, "", "-p", path, g.pid, "stats").fails(t, statusOtherPath)
		g.unharmed(t)
	}
	for _, path := range []string{g.path, filepath.Dir(g.path) + "/./door", dir + "/link/door", dir + "/door", "/proc/" + g.pid + "/root" + g.path} {
		pokeWith(t, "a\n", "-p", path, g.pid).succeeds(t, "you said a\n")
		g.expect(t, "rung")
	}

	g = container{role: "armed", path: "/tmp/manhole-poke-test", namespaces: full, setup: "ln -s tmp $R/link"}.start(t)
	pokeWith(t, "a\n", "-p", g.path, g.pid).fails(t, statusOtherPath, "not for what is "+g.path+" here")
	for _, dir := range []string{"/tmp", "/link"} {
		pokeWith(t, "a\n", "-p", "/proc/"+g.pid+"/root"+dir+"/manhole-poke-test", g.pid).succeeds(t, "you said a\n")
		g.expect(t, "rung")
	}
	g = container{role: "armed", path: "@manhole-poke-test", namespaces: full}.start(t)
	pokeWith(t, "a\n", "-p", "@other", g.pid).fails(t, statusOtherPath, "@manhole-poke-test")
	pokeWith(t, "a\n", "-p", g.path, g.pid).succeeds(t, "you said a\n")
}

// Somebody else's abstract socket of the same name.
func TestImpostorInAbstract(t *testing.T) {
	g := startAt(t, "lazy", "@manhole-poke-test-"+strconv.Itoa(os.Getpid()))
	silentListener(t, g.path)
	pokeWith(t, "secret\n", g.pid).fails(t, statusImpostor, g.path, "not process "+g.pid)
}

// A chroot with nothing in it but the program.
func TestBareChroot(t *testing.T) {
	needRoot(t)
	dir := sharedDir(t)
	static := exec.Command("go", "build", "-o", dir+"/program", ".")
	static.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := static.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for name, namespaces := range map[string]uintptr{"chroot": 0, "container": full | syscall.CLONE_NEWNS} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("/program", "demo", demoProgramArg)
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Cloneflags: namespaces}
			pid := startDemoProgram(t, cmd)
			r := pokeWith(t, "", pid, "stats")
			if r.status != statusOK || !strings.Contains(r.stdout, "goroutines") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func startDemoProgram(t *testing.T, cmd *exec.Cmd) (pid string) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	said := make([]byte, len(demoArmed))
	if n, err := stdout.Read(said); err != nil || string(said[:n]) != demoArmed {
		t.Fatalf("%q, %v", said[:n], err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

func TestPokeWithForeignProc(t *testing.T) {
	g := start(t, "armed")
	inPidNamespace(t, "-m", g.pid).fails(t, statusNoProcess, g.pid)
	inPidNamespace(t, "-m", "1").fails(t, statusUnlooked, "/proc", "another pid namespace")
	inPidNamespace(t, "-m", "kernel", "1").fails(t, statusUnlooked, "/proc", "another pid namespace")
	g.unharmed(t)
}

// A Go program that nobody armed, nor could.
func TestWithoutLazy(t *testing.T) {
	cmd := exec.Command("gofmt")
	if _, err := cmd.StdinPipe(); err != nil { // from which it waits to read
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	pid := strconv.Itoa(cmd.Process.Pid)
	until(t, "gofmt runs", func() bool { text, _ := os.ReadFile("/proc/" + pid + "/comm"); return string(text) == "gofmt\n" })
	pokeWith(t, "", pid).fails(t, statusWithoutLazy, pid+" (gofmt)", runtime.Version(), "lazy is not linked into", "lazy.Arm")
	if s := stateOf(t, pid); s == 'Z' {
		t.Error("it died of it")
	}
}

func TestTraced(t *testing.T) {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	pid := strconv.Itoa(cmd.Process.Pid)
	until(t, "it stopped", func() bool { return stateOf(t, pid) == 't' })
	pokeWith(t, "", pid).fails(t, statusStopped, pid, "stopped by a debugger")
	pokeWith(t, "", "kernel", pid).shows(t, "traced", `by its debugger, process \d+,`)
}
