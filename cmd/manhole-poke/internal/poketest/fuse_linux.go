package poketest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/internal/armednote"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// StartOnFUSE starts a role that has a file system of its own, in a mount
// namespace of its own, at the directory of its socket: see mountSilent.
func StartOnFUSE(t testing.TB, role string) *Target {
	t.Helper()
	lazytest.NeedRoot(t)
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(lazytest.PublicDir(t), "door")
	cmd := lazytest.Command(lazytest.Exe(t), path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	lazytest.InNamespaces(t, "", "-m")
	g := StartCommand(t, role, path, cmd)
	t.Cleanup(g.Process.Kill) // before anything else there: it is what ends the waiting
	return g
}

// silent says that this process must not look at its own path.
var silent atomic.Bool

// planted is the name of the only file in the file system.
const planted = "memfd:" + armednote.Prefix

// mountSilent mounts a file system that has one file, and does not say anything
// else: whoever asks waits for ever, even if killed. It returns the file, opened
// with O_PATH; its link in /proc looks like a memfd's.
func mountSilent(dir string) (fd int) {
	silent.Store(true)
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	if err := unix.Mount("silent", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", dev)); err != nil {
		panic(err)
	}
	go serveSilent(dev)
	fd, err = unix.Open(filepath.Join(dir, planted), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	return fd
}

// Of include/uapi/linux/fuse.h.
const (
	fuseLookup = 1
	fuseInit   = 26
	headIn     = 40
	headOut    = 16
)

func serveSilent(dev int) {
	le := binary.NativeEndian
	buf := make([]byte, 1<<17)
	for {
		n, err := unix.Read(dev, buf)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil || n < headIn {
			return
		}
		var out []byte
		switch in := buf[:n]; {
		case le.Uint32(in[4:]) == fuseInit:
			out = make([]byte, headOut+64)
			le.PutUint32(out[headOut:], 7)
			le.PutUint32(out[headOut+4:], 31)
			le.PutUint32(out[headOut+20:], 4096)
		case le.Uint32(in[4:]) == fuseLookup && strings.TrimRight(string(in[headIn:]), "\x00") == planted:
			out = make([]byte, headOut+128)
			entry := out[headOut:]
			le.PutUint64(entry, 2) // the node
			attr := entry[40:]
			le.PutUint64(attr, 2)
			le.PutUint64(attr[8:], 100)
			le.PutUint32(attr[60:], unix.S_IFREG|0o444)
			le.PutUint32(attr[64:], 1)
		default:
			continue
		}
		le.PutUint32(out, uint32(len(out)))
		copy(out[8:16], buf[8:16])
		unix.Write(dev, out)
	}
}
