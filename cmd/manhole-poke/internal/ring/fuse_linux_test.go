package ring

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
)

// A file system that takes a request and never answers makes whoever asks wait
// for ever, and keep its process from ending even when it is killed.
func TestSilentFileSystem(t *testing.T) {
	g := poketest.StartOnFUSE(t, "with a silent file system")
	inside := "/proc/" + g.PID + "/root" + g.Path
	for _, args := range [][]string{{g.PID, "stats"}, {inside, "stats"}, {"-p", inside, g.PID}} {
		r := poketest.Run(t, "", append([]string{"-t", "500ms"}, args...)...)
		if r.Status != exit.Timeout || !strings.Contains(r.Stderr, "did not answer within") {
			t.Errorf("%q: %+v", args, r)
		}
	}
	g.Unharmed(t)
}

func TestNoteOnSilentFileSystem(t *testing.T) {
	g := poketest.StartOnFUSE(t, "with a note on a silent file system")
	poketest.Run(t, "", g.PID).Fails(t, exit.Timeout, "cannot look at the descriptors")
	g.Unharmed(t)
}

// On a file system that might make whoever connects wait, as FUSE may, a child
// connects. This one does not.
func TestOtherFileSystem(t *testing.T) {
	if text, _ := os.ReadFile("/proc/filesystems"); !strings.Contains(string(text), "hugetlbfs") {
		t.Skip("the kernel has no hugetlbfs")
	}
	for _, namespaces := range []uintptr{full, syscall.CLONE_NEWNET} {
		g := container{role: "lazy", path: "/srv/door", setup: "mkdir $R/srv; mount -t hugetlbfs none $R/srv; chmod 777 $R/srv", namespaces: namespaces, user: someone}.start(t)
		for range 2 { // the second finds no socket at first, either
			poketest.Run(t, "", g.PID, "echo", "a").Succeeds(t, "a\n")
		}
	}
}
