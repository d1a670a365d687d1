package memory

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLeft(t *testing.T) {
	if r := Left(); r.Bytes <= 0 || !r.Fits(1<<20) || r.Fits(1<<60) || r.Limit == "" {
		t.Errorf("%+v: %v", r, r)
	}
	before := debug.SetMemoryLimit(64 << 20)
	r := Left()
	debug.SetMemoryLimit(before)
	if r.Limit != "GOMEMLIMIT" || r.Bytes > 64<<20 || r.Fits(64<<20) {
		t.Errorf("%v", r)
	}
}

// TestAddressSpace sets a limit that nothing else on a machine is as tight as,
// and never less than the process has.
func TestAddressSpace(t *testing.T) {
	if os.Getenv("LAZY_TEST_EMULATOR") != "" {
		t.Skip("the emulator's memory counts too")
	}
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &old); err != nil {
		t.Fatal(err)
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages uint64
	fmt.Sscan(string(statm), &pages)
	limit := old
	limit.Cur = pages*uint64(os.Getpagesize()) + 64<<20
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		t.Skip(err)
	}
	r, inHeap := system(readHeap(), false), inArenas(64<<20, heap{mapped: arena, released: 7})
	unix.Setrlimit(unix.RLIMIT_AS, &old)
	if r.Limit != "RLIMIT_AS" || r.Bytes > 64<<20 {
		t.Errorf("%+v", r)
	}
	if arena == 64<<20 && inHeap != 7 { // not a whole arena
		t.Errorf("the heap can grow by %d", inHeap)
	}
}

// The files of two versions and of nested groups, laid out as in cgroups(7).
func TestCgroups(t *testing.T) {
	for name, c := range map[string]struct {
		list  string
		files map[string]string
		want  string
		bytes int64
	}{
		"version 2": {"0::/a/b\n", map[string]string{
			"a/b/memory.max": "max", "a/b/memory.current": "5",
			"a/memory.max": "100", "a/memory.current": "70", "a/memory.stat": "anon 1\ninactive_file 20\n",
		}, "memory.max of cgroup /a", 50},
		"version 2 in a container": {"0::/../x\n", map[string]string{
			"memory.max": "100", "memory.current": "70",
		}, "memory.max of cgroup /", 30},
		"version 1": {"4:cpu,memory:/d\n1:name=systemd:/\n0::/\n", map[string]string{
			"memory/d/memory.limit_in_bytes": "100", "memory/d/memory.usage_in_bytes": "120",
			"memory/memory.limit_in_bytes": "9223372036854771712", "memory/memory.usage_in_bytes": "1",
		}, "memory.limit_in_bytes of cgroup /d", 0},
		"none": {"0::/\n", nil, "", -1},
		"odd":  {"0:\n::\n\x00", nil, "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				file = filepath.Join(dir, file)
				os.MkdirAll(filepath.Dir(file), 0o755)
				if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			list := filepath.Join(t.TempDir(), "cgroup")
			if err := os.WriteFile(list, []byte(c.list), 0o600); err != nil {
				t.Fatal(err)
			}
			if r := cgroups(unlimited, list, dir); r.Limit != c.want || r.Bytes != c.bytes {
				t.Errorf("%+v", r)
			}
		})
	}
}

func FuzzCgroups(f *testing.F) {
	f.Add("0::/a/../../b\n3:memory:/x\n")
	f.Fuzz(func(t *testing.T, list string) {
		file := filepath.Join(t.TempDir(), "cgroup")
		if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := cgroups(unlimited, file, "/nonexistent"); r != unlimited && !strings.Contains(r.Limit, "cgroup") {
			t.Errorf("%+v", r)
		}
	})
}
