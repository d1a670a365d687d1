package signame

import (
	"syscall"
	"testing"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]syscall.Signal{
		"USR2": 12, "SIGUSR2": 12, "sigusr2": 12, "12": 12, "WINCH": 28, "64": 64,
		"RTMIN": 34, "RTMIN+5": 39, "SIGRTMIN+5": 39, "rtmin+30": 64, "RTMAX": 64, "sigrtmax-2": 62,
	} {
		if got, err := Parse(s); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "65", "-1", "SIG", "USR3", "RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMIN+", "RTMIN5", "RTMAX--1", "RTMIN+999999999999"} {
		if got, err := Parse(s); err == nil {
			t.Errorf("%q is signal %d", s, got)
		}
	}
}

func TestName(t *testing.T) {
	for sig, want := range map[syscall.Signal][2]string{12: {"SIGUSR2", "USR2"}, 36: {"signal 36", "36"}} {
		if got := [2]string{Name(sig), ForKill(sig)}; got != want {
			t.Errorf("%d: %q", sig, got)
		}
		if again, err := Parse(ForKill(sig)); again != sig || err != nil {
			t.Errorf("%d becomes %d, %v", sig, again, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("RTMIN+5")
	f.Fuzz(func(t *testing.T, s string) {
		if sig, err := Parse(s); err == nil && (sig < 1 || sig > Max) {
			t.Errorf("%q is %d", s, sig)
		}
	})
}
