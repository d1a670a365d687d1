//go:build amd64 || arm64

package freeze

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/go-manhole/lazy/internal/access"
	"github.com/go-manhole/lazy/internal/memory"
	"github.com/go-manhole/lazy/internal/threads"
)

// Check returns why no copy of this process can be made now, as far as that can
// be seen before.
func Check() error {
	if !access.Dumpable() {
		return errors.New("this process is not dumpable (it changed its user, has file capabilities, or called prctl(PR_SET_DUMPABLE)), so nobody may debug it or a copy of it")
	}
	if !threads.CanStart(1) {
		return errors.New("the kernel gives this process no further thread or process; raise RLIMIT_NPROC of the user or pids.max of the cgroup")
	}
	// Its page tables, and some pages that the program then writes.
	const pages = 4 << 20
	need := 2*status("VmPTE:") + pages
	if room := memory.LeftOutside(); !room.Fits(need) {
		return fmt.Errorf("a copy needs at least %s of memory, and %s", memory.Show(need), room)
	}
	if overcommit, err := os.ReadFile("/proc/sys/vm/overcommit_memory"); err == nil && bytes.HasPrefix(overcommit, []byte("2")) {
		promised := status("VmData:") + status("VmStk:")
		if left := meminfo("CommitLimit:") - meminfo("Committed_AS:"); left < promised {
			return fmt.Errorf("the system would have to promise %s of memory for a copy, and has %s (vm.overcommit_memory is 2, see proc_sys_vm(5))", memory.Show(promised), memory.Show(max(left, 0)))
		}
	}
	return nil
}

// Estimate returns about how long the goroutines will stand still.
func Estimate() time.Duration {
	// Two stops of the world, and a page of page tables for 2 MiB of memory.
	const stops, table = 2 * time.Millisecond, 40 * time.Microsecond
	return stops + time.Duration(status("VmPTE:")/int64(os.Getpagesize()))*table
}

func status(name string) int64 { return kilobytes("/proc/self/status", name) }

func meminfo(name string) int64 { return kilobytes("/proc/meminfo", name) }

// kilobytes returns the bytes of a line like "VmPTE:  52 kB", or 0.
func kilobytes(file, name string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == name {
			n, _ := strconv.ParseInt(string(f[1]), 10, 53)
			return n << 10
		}
	}
	return 0
}
