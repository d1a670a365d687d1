package printable

import (
	"os/exec"
	"strings"
	"testing"
)

func TestShell(t *testing.T) {
	for s, want := range map[string]string{"heap.pprof": "heap.pprof", "/tmp/x-1": "/tmp/x-1", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "~": "'~'", "-x": "./-x", "- x": "'./- x'"} {
		if got := Shell(s); got != want {
			t.Errorf("%q: %s", s, got)
		}
	}
}

func FuzzShell(f *testing.F) {
	for _, s := range []string{"a b", "it's", "$(x)", "`x`", "a\\", "!x", "*", "~", "#", "a;b", "\n", "{a,b}", "a=b", "é", "-n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\x00") {
			return // which no name has
		}
		got, err := exec.Command("sh", "-c", "printf %s "+Shell(s)).Output()
		if err != nil {
			t.Skip(err)
		}
		if string(got) != s && string(got) != "./"+s {
			t.Errorf("%q became %s, which is %q", s, Shell(s), got)
		}
	})
}
