//go:build linux || darwin || freebsd

package sighandler

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

func TestUsable(t *testing.T) {
	for sig, want := range map[syscall.Signal]bool{
		syscall.SIGUSR1: true, syscall.SIGUSR2: true, syscall.SIGWINCH: true,
		0: false, -1: false, 65: false, 1000: false,
		syscall.SIGTERM: false, syscall.SIGSEGV: false, syscall.SIGURG: false, syscall.SIGKILL: false, syscall.SIGHUP: false,
	} {
		if Usable(sig) != want {
			t.Errorf("%v: %v", sig, !want)
		}
	}
}

func TestCheckOwner(t *testing.T) {
	if err := CheckOwner(syscall.SIGWINCH); err != nil {
		t.Error(err)
	}
	signal.Ignore(syscall.SIGWINCH)
	defer unignore(syscall.SIGWINCH)
	if err := CheckOwner(syscall.SIGWINCH); err == nil || !strings.Contains(err.Error(), "SIGWINCH is ignored") {
		t.Error(err)
	}
}

// unignore undoes signal.Ignore, which signal.Reset alone does not.
func unignore(sig os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, sig)
	signal.Stop(c)
}
