//go:build amd64 || arm64

package freeze

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func request() Request {
	return Request{For: time.Minute, Pause: func() { time.Sleep(time.Millisecond) }}
}

func TestTake(t *testing.T) {
	c, err := Take(request())
	if err != nil {
		t.Fatal(err)
	}
	defer c.End()
	t.Logf("%+v", c.Taken)
	read := func(name string) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.PID, name))
		if err != nil {
			t.Error(err)
		}
		return strings.TrimSpace(string(b))
	}
	if got := read("comm"); got != "lazy-frozen" {
		t.Errorf("comm is %s", got)
	}
	if got := read("oom_score_adj"); got != "1000" {
		t.Errorf("oom_score_adj is %s", got)
	}
	if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.PID)); err != nil || len(fds) > 0 {
		t.Errorf("descriptors: %v, %v", fds, err)
	}
	if _, err := Take(request()); err != ErrTaken {
		t.Error(err)
	}
	if ended, why := c.Ended(); ended || c.Inexact != "" || c.Goroutines < 2 {
		t.Errorf("%+v, ended: %v %v", c.Taken, ended, why)
	}
	if n := runtime.GOMAXPROCS(0); n != runtime.NumCPU() {
		t.Errorf("GOMAXPROCS is %d", n)
	}
	c.End()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", c.PID)); err == nil {
		t.Error("the copy is there after its end")
	}
}
