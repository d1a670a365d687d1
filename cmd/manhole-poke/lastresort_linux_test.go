package main

import (
	"os"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
)

// A process whose scheduler is dead answers what a copy can answer, again and
// again, and is not harmed.
func TestLastResort(t *testing.T) {
	t.Setenv("GODEBUG", "asyncpreemptoff=1")
	pid := startProgram(t, "wedged")
	holds(t, pid)
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{"stack"}, []string{`(?m)^#\d+: 1 running, id 1\n +main\.crunch +\S+/main\.go:\d+\n +main\.main `, `5 sync\.Mutex\.Lock`, `main\.queue`}},
		{[]string{"stack", "-match", "main.queue", "-n", "1"}, []string{`\n#1: 4 sync\.Mutex\.Lock`, `main\.queue`, `left out: 1 in 1 smaller group`}},
		{[]string{"print", "main.jobs"}, []string{`"nightly": \*\{`, `Size: 3`}},
		{[]string{"locals", "-id", "1"}, []string{`goroutine 1, frame 0: main\.crunch`}},
	} {
		r := poketest.Run(t, "", append([]string{"-t", "1s", pid}, c.args...)...)
		if missing := r.Lacks(c.words...); missing != "" || r.Status != exit.OK || !strings.Contains(r.Stderr, "a copy that its signal handler made") {
			t.Errorf("%v: no %s in\n%+v", c.args, missing, r)
		}
	}
	r := poketest.Run(t, "print main.jobs\nbt\n", "debug", "-t", "1s", pid)
	if missing := r.Lacks(`"nightly": \*\{`, `(?m)^0 +0x\w+ in main\.crunch\n`); missing != "" || r.Status != exit.OK {
		t.Errorf("debug: no %s in\n%+v", missing, r)
	}
	r = poketest.Run(t, "", "-t", "1s", "-c", "print main.jobs; stats", pid)
	r.Fails(t, exit.Timeout, "a longer -t does not help")
	r = poketest.Run(t, "", "-t", "1s", pid, "print", "main.nothing")
	if r.Status != exit.Command || !strings.Contains(r.Stderr, "no variable, constant or function nothing") {
		t.Errorf("%+v", r)
	}
	if state := poketest.StateOf(t, pid); strings.ContainsRune("ZXtT", rune(state)) {
		t.Errorf("the program is in state %c", state)
	}
	// Of the last copy, which nobody waits for, there is no more than a number.
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		t.Skip(err)
	}
	for _, child := range strings.Fields(string(children)) {
		if poketest.StateOf(t, child) != 'Z' {
			t.Errorf("the copy %s is there", child)
		}
	}
}
