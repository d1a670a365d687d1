package sigmask

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

const roleEnv = "LAZY_TEST_SIGMASK"

func TestMain(m *testing.M) {
	role, ok := os.LookupEnv(roleEnv)
	if !ok {
		os.Exit(m.Run())
	}
	c := make(chan os.Signal, 1)
	switch role {
	case "the signal":
		signal.Notify(c, syscall.SIGUSR2)
	case "another":
		signal.Notify(c, syscall.SIGUSR1)
	case "all":
		signal.Notify(c)
	case "many":
		signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
			syscall.SIGWINCH, syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGTSTP, syscall.SIGPIPE, syscall.SIGALRM)
	case "stopped":
		signal.Notify(c, syscall.SIGUSR2)
		signal.Stop(c)
	case "real-time":
		signal.Notify(c, syscall.Signal(40))
	}
	for range 20 { // threads of other masks
		go func() {
			var b [1]byte
			r, _, _ := os.Pipe() // never written to
			syscall.Read(int(r.Fd()), b[:])
		}()
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadByte()
}

func TestNotified(t *testing.T) {
	if os.Getenv("LAZY_TEST_EMULATOR") != "" {
		t.Skip("the emulator has masks of its own")
	}
	for role, want := range map[string][2]bool{ // of SIGUSR2 and of signal 40
		"nothing": {}, "the signal": {true, false}, "another": {}, "all": {}, "many": {true, false}, "stopped": {}, "real-time": {false, true},
	} {
		t.Run(role, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), roleEnv+"="+role)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer in.Close()
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
				t.Fatal(line, err)
			}
			for i, sig := range []int{int(syscall.SIGUSR2), 40} {
				// The runtime's thread takes its new mask after Notify has returned.
				got, known := Notified(cmd.Process.Pid, sig)
				for range 10_000 {
					if got == want[i] {
						break
					}
					got, known = Notified(cmd.Process.Pid, sig)
				}
				if got != want[i] || !known {
					t.Errorf("signal %d: %v, known %v", sig, got, known)
				}
			}
		})
	}
	if _, known := Notified(1<<30, 12); known {
		t.Error("of a process that does not exist")
	}
	if _, known := Notified(0, 12); !known {
		t.Error("of this process")
	}
}

func FuzzBlocked(f *testing.F) {
	f.Add([]byte("Name:\tx\nSigBlk:\tfffffffe3bba7a00\nSigIgn:\t0\n"))
	f.Fuzz(func(t *testing.T, status []byte) {
		if mask, ok := Blocked(status); !ok && mask != 0 && receives(mask, 12) {
			t.Errorf("%q: %#x", status, mask)
		}
	})
}
