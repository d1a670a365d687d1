package kernelview

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// The names of threads cannot move the cursor.
func TestViewIsSafe(t *testing.T) {
	v := view{process: "process 1 (\x1b[2J)", threads: []thread{{tid: 1, name: "a\n\x1b[2Jb", state: 'S', fd: -1}}}
	if s, _ := v.report(); strings.ContainsAny(s, "\x1b") || strings.Contains(s, "a\n") {
		t.Errorf("%q", s)
	}
}

func TestViewGroups(t *testing.T) {
	var v view
	for tid := range 300 {
		v.threads = append(v.threads, thread{tid: 1000 + tid, name: "worker", state: 'S', call: "futex", fd: -1, used: time.Millisecond})
	}
	v.threads = append(v.threads, thread{tid: 7, name: "worker", state: 'R', share: 0.9, fd: -1})
	text, _ := v.report()
	lines := strings.Split(text, "\n")
	if !regexp.MustCompile(`^1 +running +90 % `).MatchString(lines[3]) || !regexp.MustCompile(`^300 +sleeping +0 % +300ms .* 1000 1001 .* and 292 more$`).MatchString(lines[4]) {
		t.Errorf("%q", lines)
	}
}
