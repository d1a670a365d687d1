package poketest

import (
	"fmt"
	"log/slog"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/go-manhole/lazy"
	"golang.org/x/sys/unix"
)

// playHeld is an armed program whose world somebody holds, so that it cannot
// answer; only burning can.
func playHeld(role, path string) {
	if err := lazy.Arm(lazy.WithPath(path), lazy.WithLogger(slog.New(slog.DiscardHandler))); err != nil {
		panic(err)
	}
	if role == "burning" {
		for range 2 * runtime.NumCPU() {
			go spin()
		}
		fmt.Println("ready")
		select {}
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		runtime.GC()
	}()
	fmt.Println("ready")
	switch role {
	case "looping": // with GODEBUG=asyncpreemptoff=1
		spin()
	case "in a raw call":
		var p [2]int
		if err := unix.Pipe(p[:]); err != nil {
			panic(err)
		}
		var b [1]byte
		syscall.RawSyscall(syscall.SYS_READ, uintptr(p[0]), uintptr(unsafe.Pointer(&b)), 1)
	case "forking":
		// As fork does, but the child never calls exec. Until then the thread
		// sleeps uninterruptibly, clone(2).
		child, _, _ := syscall.RawSyscall6(syscall.SYS_CLONE, unix.CLONE_VFORK|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
		if child == 0 {
			syscall.RawSyscall(syscall.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
			for {
				syscall.RawSyscall6(syscall.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
			}
		}
	}
}

func spin() {
	for n := 0; ; n++ {
	}
}
