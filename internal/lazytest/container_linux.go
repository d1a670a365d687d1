package lazytest

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Nobody is a uid and gid that is neither root's nor the tests'.
const Nobody = 65534

// AsUser returns a wrapper (see Wrap) that runs a command as another user, with
// the group of the same number and no others.
func AsUser(t testing.TB, uid int) []string {
	t.Helper()
	NeedRoot(t)
	id := strconv.Itoa(uid)
	return []string{Tool(t, "setpriv"), "--reuid", id, "--regid", id, "--clear-groups"}
}

// InNamespaces returns a wrapper that runs a command in new namespaces, after a
// shell script in them. The flags are those of unshare(1), such as -m. With
// --fork the process that the wrapper starts is unshare, and the command its
// child.
func InNamespaces(t testing.TB, script string, flags ...string) []string {
	t.Helper()
	unshare := append([]string{Tool(t, "unshare")}, flags...)
	if out, err := Wrap(exec.Command("true"), unshare...).CombinedOutput(); err != nil {
		t.Skipf("unshare %q: %v: %s", flags, err, out)
	}
	return append(unshare, "sh", "-c", "set -e\n"+script+"\n"+`exec "$@"`, "sh")
}

// A Container is a root directory with what a program needs bound into it, in a
// file system that nothing outside sees, and in namespaces.
type Container struct {
	Setup      string                 // a shell script run in the new mount namespace; $R is the root to be
	Namespaces uintptr                // CLONE_NEW... flags, see AllNamespaces
	UIDs       []syscall.SysProcIDMap // if not nil: of a user namespace, for uids and gids
	User       []string               // a wrapper that becomes another user inside
}

// AllNamespaces are those that container engines make, but for the mount and
// user namespaces, which a Container makes as it needs them.
const AllNamespaces = unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC

// Command returns the command that runs the test binary in the container.
func (c Container) Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	NeedRoot(t)
	SkipEmulated(t, "the container has no emulator in it")
	for _, tool := range []string{"mount", "chroot"} {
		Tool(t, tool)
	}
	InNamespaces(t, "", "-mpfn")
	// A user namespace's root may not open the executable by its name.
	program, err := os.Open(Exe(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
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
		` + c.Setup + `
		exec 3<&- chroot $R ` + strings.Join(c.User, " ") + ` /program "$@"`
	cmd := exec.Command("sh", slices.Concat([]string{"-c", script, "sh"}, args)...)
	cmd.ExtraFiles = []*os.File{program}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: c.Namespaces | unix.CLONE_NEWNS}
	if c.UIDs != nil {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = c.UIDs, c.UIDs
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
		cmd.SysProcAttr.Credential = &syscall.Credential{}
	}
	return cmd
}
