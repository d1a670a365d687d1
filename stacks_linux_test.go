package lazy_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// TestStacksHardToTell asks a process of more goroutines than a full capture is
// taken of by itself, most of them deeper than any capture sees.
func TestStacksHardToTell(t *testing.T) {
	if lazytest.Emulated() {
		t.Skip("builds a program")
	}
	goTool := lazytest.Tool(t, "go")
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "stacks")
	if out, err := exec.Command(goTool, "build", "-o", bin, "./testdata/stacks").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin)
	cmd.Env = append(cmd.Environ(), "GODEBUG=tracebackancestors=3")
	tg := lazytest.Launch(t, "", cmd).Ready()
	for _, test := range []struct {
		line string
		want []string
		not  string
	}{
		{"stack -match orders", []string{
			"0 of 10", ": ids, waits and creators are not known; stack full has them, and stops the world for about ",
			"\nnot seen by the filter: the frames beyond the 128 innermost of 1000 deep stacks, which the runtime leaves out; stack full has the 50 innermost and the 50 outermost frames\n",
		}, "#1"},
		{"stack -match descend -match deeper", []string{"0 of 10"}, "#1"},
		{"stack -match descend", []string{
			"#1: 1000 chan receive\n",
			"\ncut off: 1000 stacks of more than 128 frames; those that differ further out are one group; stack full has ",
		}, "#2"},
		{"stack full -match descend -not-match orders -not-match parked", []string{
			"#1: 500 chan receive", "main.refunds", "\nnot seen by the filter: the frames in the middle of 500 deep stacks, which the runtime leaves out\n",
		}, "main.orders"},
		{"stack full -match parked", []string{
			"created by main.starter in goroutine ", "originating from goroutine ", "main.starter", "originating from goroutine 1 in\n", "main.main",
		}, "main.descend"},
		{"stack full json -match parked", []string{`"ancestors":[{"id":`, `{"id":1,"frames":[{"func":"main.main"`}, "main.descend"},
		{"stack full -fold-idle", []string{"\nfolded: ", " idle goroutines of the standard library: ", " net/http server", " net/http client", "1 Accept"}, "net/http.(*conn).serve"},
		{"stack raw -match refunds -state chan -state receive", []string{"main.refunds(", " frames elided...(...)\n\t??:0 +0x0\n", "\n[originating from goroutine 1]:\n"}, "main.orders("},
		{"stack raw -n 1 -not-match descend", []string{"goroutine "}, "main.descend"},
		{"stack diff 0.05 -n 3", []string{": 0 new, 0 grown, 0 shrunk, 0 gone, "}, "lazy: error"},
	} {
		// Some of the goroutines may not be where they come to rest yet.
		for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			got := tg.Script(test.line + "\n")
			tg.Gone()
			wrong := ""
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					wrong = fmt.Sprintf("no %q", want)
				}
			}
			if strings.Contains(got, test.not) {
				wrong = fmt.Sprintf("%q is", test.not)
			}
			if wrong == "" {
				break
			}
			if time.Since(start) > time.Minute {
				t.Errorf("%s: %s in\n%.3000s", test.line, wrong, got)
				break
			}
		}
	}
	got := tg.Script("stack raw -match refunds\n")
	tg.Gone()
	if n := len(regexp.MustCompile(`(?m)^goroutine \d+ \[`).FindAllString(got, -1)); n != 500 {
		t.Errorf("stack raw -match refunds: %d goroutines", n)
	}
}

// TestDiffWaits: stack diff DURATION sees what starts while it waits, and a person ends
// the wait with Enter.
func TestDiffWaits(t *testing.T) {
	if lazytest.Emulated() {
		t.Skip("builds a program")
	}
	goTool := lazytest.Tool(t, "go")
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "stacks")
	if out, err := exec.Command(goTool, "build", "-o", bin, "./testdata/stacks").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tg := lazytest.Launch(t, "", exec.Command(bin)).Ready()
	tg.Ring()
	c := tg.Dial()
	lazytest.Until(t, c, "lazy> ") // a person
	c.Write([]byte("stack diff 1h -match parked\n"))
	lazytest.Until(t, c, "stack diff: 3600 s left, Enter ends it ")
	for range 3 {
		tg.Tell("one more")
		tg.Expect("started")
	}
	c.Write([]byte("\n"))
	got := lazytest.Until(t, c, "lazy> ")
	c.Close()
	// They may not have come to where the first one waits.
	if lazytest.Wants(t, got, "main.parked"); strings.Contains(got, ": 0 new, 0 grown,") {
		t.Error(got)
	}
}
