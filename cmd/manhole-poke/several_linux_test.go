package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/stackdump"
)

func TestSeveral(t *testing.T) {
	a, b := poketest.Start(t, "lazy"), poketest.StartAt(t, "lazy", "")
	r := poketest.Run(t, "", a.PID, b.Path, "stats")
	table := regexp.MustCompile(`^PID +NAME +GOROUTINES +OS THREADS +GOMAXPROCS +NUM CPU\n` + a.PID + ` +\S+ +\d+ +\d+ +\d+ +\d+\n` + b.PID + ` +\S+ +\d+ .*\n$`)
	if r.Status != exit.OK || !table.MatchString(r.Stdout) {
		t.Errorf("%+v", r)
	}

	r = poketest.Run(t, "", a.PID, b.PID, "stack", "-n", "1", "-match", "playLazy")
	if r.Status != exit.OK || !strings.Contains(r.Stdout, "40 select (no cases)") || !strings.Contains(r.Stdout, "in 2 of 2 processes") || strings.Contains(r.Stdout, "#2") {
		t.Errorf("%+v", r)
	}
	// The argument of -match is not a form of stack.
	r = poketest.Run(t, "", a.PID, b.PID, "stack", "-match", "raw|playLazy", "-state=select", "-n=1")
	if r.Status != exit.OK || !strings.Contains(r.Stdout, "40 select (no cases)") {
		t.Errorf("%+v", r)
	}
	r = poketest.Run(t, "", a.PID, b.PID, "stack", "-match", "raw")
	if r.Status != exit.OK || !strings.Contains(r.Stdout, "in 2 processes") && !strings.Contains(r.Stdout, "of 2 processes") {
		t.Errorf("%+v", r)
	}

	r = poketest.Run(t, "version\n\necho x\n", a.PID, b.PID)
	want := strings.ReplaceAll("version:\n==> process A (NAME) <==\nV\n\n==> process B (NAME) <==\nV\n\necho x:\n==> process A (NAME) <==\nx\n\n==> process B (NAME) <==\nx\n", "V", runtime.Version())
	name := regexp.MustCompile(`process \d+ \(([^)]*)\)`).FindStringSubmatch(r.Stdout)
	if name == nil {
		t.Fatalf("%+v", r)
	}
	r.Succeeds(t, strings.NewReplacer(" A ", " "+a.PID+" ", " B ", " "+b.PID+" ", "NAME", name[1]).Replace(want))

	dir := t.TempDir()
	r = poketest.Run(t, "", "-o", filepath.Join(dir, "heap.pprof"), a.PID, b.PID, "pprof-heap")
	if r.Status != exit.OK {
		t.Errorf("%+v", r)
	}
	for _, g := range []*poketest.Target{a, b} {
		if b, err := os.ReadFile(filepath.Join(dir, "heap."+g.PID+".pprof")); err != nil || !bytes.HasPrefix(b, []byte("\x1f\x8b")) {
			t.Errorf("%.20q, %v", b, err)
		}
	}

	// If one of the names is taken in the meantime, no answer is lost.
	dir = t.TempDir()
	slow := poketest.Command(t, nil, "-o", filepath.Join(dir, "x"), a.PID, b.PID, "pprof-cpu", "1s")
	var stderr bytes.Buffer
	slow.Stderr = &stderr
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "both are asked", func() bool { left, _ := filepath.Glob(dir + "/.x.*"); return len(left) == 2 })
	taken := filepath.Join(dir, "x."+a.PID)
	if err := os.WriteFile(taken, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	slow.Wait()
	left, _ := filepath.Glob(dir + "/.x.*")
	if got := poketest.StatusOf(slow); got != exit.Partial || len(left) != 1 || !strings.Contains(stderr.String(), "the answer is in "+left[0]) {
		t.Errorf("status %d, left %v\n%s", got, left, &stderr)
	}
	for name, want := range map[string]string{taken: "somebody's", filepath.Join(dir, "x."+b.PID): "\x1f\x8b"} {
		if b, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %.20q, %v", name, b, err)
		}
	}

	r = poketest.Run(t, "", "-o", "-", a.PID, b.Path, "stats")
	if r.Status != exit.OK || !table.MatchString(r.Stdout) {
		t.Errorf("%+v", r)
	}

	r = poketest.Run(t, "", a.PID, b.PID, "fail")
	if r.Status != exit.Command || strings.Count(r.Stdout, "half an answer\nlazy: error: fail: on purpose\n") != 2 {
		t.Errorf("%+v", r)
	}
	c := poketest.Start(t, "unarmed")
	r = poketest.Run(t, "", a.PID, c.PID, "version")
	if r.Status != exit.Partial || !strings.Contains(r.Stdout, runtime.Version()) || !strings.Contains(r.Stderr, "does not look armed") {
		t.Errorf("%+v", r)
	}
	poketest.Run(t, "", c.PID, c.PID, "version").Fails(t, exit.NotArmed, "does not look armed")
	c.Unharmed(t)
}

// However often a process is named, it is asked once.
func TestNamedTwice(t *testing.T) {
	g := poketest.StartCopy(t, "lazy", lazytest.CopyExe(t, "poke-test-twice"), 0)
	apart := poketest.Start(t, "lazy")
	dir := t.TempDir()
	if err := os.Symlink(filepath.Dir(apart.Path), dir+"/link"); err != nil {
		t.Fatal(err)
	}
	want := "once\n"
	for _, targets := range [][]string{
		{g.PID, g.PID}, {"poke-test-twice", g.PID}, {"poke-test-twice", g.Path}, {g.Path, g.PID, g.Path}, {g.PID, "/proc/" + g.PID + "/root" + g.Path},
		{apart.PID, apart.Path}, {apart.Path, dir + "/link/door", apart.PID},
	} {
		poketest.Run(t, "", append(targets, "echo", "once")...).Succeeds(t, want)
		poketest.Run(t, "echo once\n", targets...).Succeeds(t, want)
	}
	r := poketest.Run(t, "", g.Path, apart.PID, g.PID, "echo", "once")
	if r.Status != exit.OK || strings.Count(r.Stdout, "==> ") != 2 || strings.Count(r.Stdout, want) != 2 {
		t.Errorf("%+v", r)
	}
}

// A jsonLine is a line of --json.
type jsonLine struct {
	PID     int
	Path    string
	Name    string
	Command string
	OK      bool
	Error   string
	Status  exit.Status
	Reason  string
	Answer  string
	Stats   map[string]int
	Stack   []json.RawMessage
}

func TestJSON(t *testing.T) {
	a, b := poketest.Start(t, "lazy"), poketest.Start(t, "unarmed")
	r := poketest.Run(t, "", "--json", "-c", "stats; stack; version; fail", a.PID, b.PID)
	if r.Status != exit.Partial {
		t.Errorf("status %d", r.Status)
	}
	var lines []jsonLine
	for d := json.NewDecoder(strings.NewReader(r.Stdout)); d.More(); {
		var l jsonLine
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v in\n%s", err, r.Stdout)
		}
		lines = append(lines, l)
	}
	if len(lines) != 5 {
		t.Fatalf("%d lines\n%s", len(lines), r.Stdout)
	}
	if l := lines[0]; !l.OK || l.Stats["goroutines"] < 20 || l.Command != "stats" || l.PID != poketest.Atoi(t, a.PID) {
		t.Errorf("%+v", l)
	}
	var stack bytes.Buffer
	for _, line := range lines[1].Stack {
		stack.Write(append(line, '\n'))
	}
	if d, err := stackdump.ReadJSON(&stack); err != nil || d.Total < 20 {
		t.Errorf("%v, %v", d, err)
	}
	if l := lines[2]; !l.OK || l.Answer != runtime.Version()+"\n" {
		t.Errorf("%+v", l)
	}
	if l := lines[3]; l.OK || l.Error != "fail: on purpose" || l.Status != exit.Command || l.Reason != "command-failed" {
		t.Errorf("%+v", l)
	}
	if l := lines[4]; l.OK || l.Status != exit.NotArmed || l.Reason != "handles-signal" || l.PID != poketest.Atoi(t, b.PID) || l.Name == "" || l.Name != lines[0].Name || l.Command != "stats" {
		t.Errorf("%+v", l)
	}
	b.Unharmed(t)
	var l jsonLine
	last := func(r poketest.Result) {
		t.Helper()
		l = jsonLine{}
		if err := json.Unmarshal([]byte(r.Stdout[strings.LastIndex(strings.TrimSpace(r.Stdout), "\n")+1:]), &l); err != nil {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	stopped := poketest.Start(t, "lazy")
	stopped.Stop(t)
	if last(poketest.Run(t, "", "--json", stopped.PID, "version")); l.Status != exit.Timeout || l.Reason != "stopped" || l.Name != lines[0].Name || l.Command != "version" {
		t.Errorf("%+v", l)
	}
	dying := poketest.Start(t, "lazy")
	if last(poketest.Run(t, "", "--json", "-c", "version; die; stats", dying.PID)); l.Status != exit.Broken || l.Reason != "exited" || l.Name != lines[0].Name || l.Command != "die" {
		t.Errorf("%+v", l)
	}

	r = poketest.Run(t, "", "--json", a.PID, "stack", "-n", "1")
	if last(r); r.Status != exit.OK {
		t.Fatalf("%+v", r)
	}
	stack.Reset()
	for _, line := range l.Stack {
		stack.Write(append(line, '\n'))
	}
	if d, err := stackdump.ReadJSON(&stack); err != nil || len(d.Groups) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}
