//go:build amd64 || arm64

package freeze

import (
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/go-manhole/lazy/internal/copynote"
	"golang.org/x/sys/unix"
)

// shared is the memory by which a copy says that it is ready. The assembly knows
// its layout from go_asm.h.
type shared struct {
	ready   uint32 // set by the copy once it sleeps
	highest int64  // descriptor to close where there is no close_range(2)
	flags   uint64 // of clone(2)
	parent  int64  // PID
	tracer  int64  // for PR_SET_PTRACER
	until   [2]int64
	seconds int64  // from the beginning to until, for a copy that the signal handler makes
	all     uint64 // signals to block
	mask    uint64 // that was
	regs    [registers + threadPointers]uint64

	oomFile  [32]byte
	oomScore [4]byte
	name     [16]byte
}

// cloneFlags have no signal at the end of the copy, and keep a tracer of this
// process (strace -f) from tracing the copy, which no debugger could then. Tests
// change it for an emulator.
var cloneFlags uint64 = unix.CLONE_UNTRACED

// clone makes the copy and returns its PID, or an error number less than 0.
//
//go:noescape
func clone(s *shared) (pid int)

// share returns memory that the copy will share.
func share(r Request) (*shared, error) {
	m, err := unix.MmapPtr(-1, 0, nil, unsafe.Sizeof(shared{}), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	s := (*shared)(m)
	s.fill(r)
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		s.release()
		return nil, err
	}
	end := unix.NsecToTimespec(now.Nano() + r.For.Nanoseconds())
	s.until = [2]int64{end.Sec, end.Nsec}
	return s, nil
}

func (s *shared) fill(r Request) {
	s.flags = cloneFlags
	s.parent, s.tracer, s.all = int64(os.Getpid()), int64(r.Tracer), ^uint64(0)
	s.highest = highestDescriptor()
	copy(s.oomFile[:], "/proc/self/oom_score_adj\x00")
	copy(s.oomScore[:], "1000")
	copy(s.name[:], copynote.Name+"\x00")
}

func (s *shared) release() { unix.MunmapPtr(unsafe.Pointer(s), unsafe.Sizeof(*s)) }

func (s *shared) isReady() bool { return atomic.LoadUint32(&s.ready) != 0 }

// highestDescriptor is for kernels, and filters of system calls, without
// close_range(2). Some are opened while it looks.
func highestDescriptor() int64 {
	if unix.CloseRange(^uint(0)>>32, ^uint(0)>>32, 0) == nil {
		return -1
	}
	const margin = 1024
	highest := int64(0)
	dir, err := os.Open("/proc/self/fd")
	if err == nil {
		defer dir.Close()
	}
	for err == nil {
		var names []string
		names, err = dir.Readdirnames(1000)
		for _, name := range names {
			if n, err := strconv.ParseInt(name, 10, 32); err == nil {
				highest = max(highest, n)
			}
		}
	}
	if err != io.EOF {
		highest = max(highest, descriptorLimit())
	}
	return highest + margin
}

// descriptorLimit returns what most likely no descriptor is greater than.
func descriptorLimit() int64 {
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return int64(min(limit.Cur, 1<<20))
}

// monotonic is for code that must not be preempted, as time.Now may be.
//
//go:nosplit
//go:norace
func monotonic() time.Duration {
	var t unix.Timespec
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&t)), 0)
	return time.Duration(t.Sec*1e9 + t.Nsec)
}
