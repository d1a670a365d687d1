package main

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// buildHolder builds testdata/holder.
func buildHolder(t *testing.T, out string, flags ...string) {
	t.Helper()
	cmd := exec.Command("go", append(append([]string{"build", "-o", out}, flags...), "./testdata/holder")...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, text)
	}
}

// holderExe returns the path of testdata/holder, which is built once.
func holderExe(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(poketest.Dir(), "holder")
	if _, err := os.Stat(exe); err != nil {
		buildHolder(t, exe)
	}
	return exe
}

// startHolder starts it.
func startHolder(t *testing.T, exe string, args ...string) *poketest.Target {
	t.Helper()
	return startHolderAs(t, exe, 0, args...)
}

// startHolderAs starts it as another user unless uid is 0.
func startHolderAs(t *testing.T, exe string, uid int, args ...string) *poketest.Target {
	t.Helper()
	path := filepath.Join(lazytest.PublicDir(t), "door")
	cmd := exec.Command(exe, append([]string{path}, args...)...)
	if uid != 0 {
		lazytest.NeedRoot(t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	cmd.Stderr = io.Discard
	return poketest.StartCommand(t, "", path, cmd)
}

// holder returns a running holder.
func holder(t *testing.T, flags ...string) *poketest.Target {
	t.Helper()
	if len(flags) == 0 {
		return startHolder(t, holderExe(t))
	}
	exe := filepath.Join(lazytest.PublicDir(t), "holder")
	buildHolder(t, exe, flags...)
	return startHolder(t, exe)
}

// leavesNothing fails the test if the target died, got its signal, or still has a
// copy.
func leavesNothing(t *testing.T, g *poketest.Target) {
	t.Helper()
	lazytest.Eventually(t, "the copies are gone", func() bool {
		children, err := os.ReadFile("/proc/" + g.PID + "/task/" + g.PID + "/children")
		others, _ := filepath.Glob("/proc/" + g.PID + "/task/*/children")
		for _, name := range others {
			more, _ := os.ReadFile(name)
			children = append(children, more...)
		}
		return err != nil || len(children) == 0
	})
	g.Unharmed(t)
}

// shown is what print shows, as patterns.
var shown = map[string]string{
	"verbose":                          `^false\n$`,
	"main.level":                       `LevelInfo \(0\)\n$`,
	"large":                            `^9223372036854775813\n$`,
	"ratio*2":                          `^3\n$`,
	"timeout":                          `^5s \(5000000000\)\n$`,
	"greeting":                         `^"hello\\x1b\[2J\\u202e"\n$`,
	"bytes":                            `^"\\xff\\xfe"\n$`,
	"ring.next.name":                   `^"b"\n$`,
	"ring":                             `(?s)name: "a".*name: "b".*\(some is left out`,
	"pairs":                            `(?s)key: "two".*val: 2`,
	`sessions["with blank"].name`:      `^"b"\n$`,
	"len(many)":                        `^1000\n$`,
	"many[999]":                        `^"999"\n$`,
	"huge":                             `\.\.\.\+9999936 more\]\n\(some is left out`,
	"aShape":                           `^main\.shape\(\*main\.square\) \*\{side: 2\}\n$`,
	"noShape":                          `^main\.shape nil\n$`,
	"anything.(int) + 1":               `^8\n$`,
	"buffered":                         `(?s)qcount: 2,.*dataqsiz: 4`,
	"count":                            `v: 42`,
	"closure":                          `(?s)^main\.main\.func1 \{.*captured int = 9`,
	"*onHeap":                          `debug: false`,
	"complete":                         `^\(1 \+ 2i\)\n$`,
	"array":                            `^\[3\]int \[1,2,3\]\n$`,
	"at":                               `^time\.Time\(2023-11-14T22:13:20Z\)`,
	"runtime.iscgo || true":            `^true\n$`,
	"main.limit":                       `^1048576\n$`,
	`"sync/atomic".Int64(count)`:       "", // whatever it is
	"synced.m.inited.v":                `^1\n$`,
	"*(*main.node)(uintptr(8))":        `unreadable not mapped`,
	"*(*[1000000000]int)(uintptr(16))": `unreadable|not mapped`,
}

func TestPrint(t *testing.T) {
	g := holder(t)
	var lines []string
	for expr, want := range shown {
		if want == "" || strings.ContainsAny(expr, ";") {
			continue
		}
		lines = append(lines, "print "+expr)
	}
	// One run, one copy.
	r := poketest.Run(t, "", "-c", strings.Join(lines, "; "), g.PID)
	for _, expr := range some(shown) {
		want := shown[expr]
		one := poketest.Run(t, "", append([]string{g.PID, "print"}, strings.Split(expr, " ")...)...)
		if want == "" {
			if one.Status != exit.Command {
				t.Errorf("%s: %+v", expr, one)
			}
			continue
		}
		if one.Status != exit.OK || !regexp.MustCompile(want).MatchString(one.Stdout) {
			t.Errorf("%s: %+v, want %s", expr, one, want)
		}
		if strings.ContainsAny(one.Stdout, "\x1b\u202e") {
			t.Errorf("%s: %q", expr, one.Stdout)
		}
		if !strings.Contains(r.Stdout, one.Stdout) && !strings.Contains(one.Stdout, "0x") {
			t.Errorf("%s is not among the answers of one run", expr)
		}
	}
	leavesNothing(t, g)
}

// some returns the keys in order; with the race detector, which makes Delve ten
// times slower, every fifth.
func some(m map[string]string) (keys []string) {
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i%5 == 0 || !lazytest.UnderRace() {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestPrintFails(t *testing.T) {
	g := holder(t)
	wants := map[string]string{
		"nonsense":       "could not find symbol value for nonsense; globals REGEXP lists",
		"main.nonsense":  "no variable, constant or function nonsense",
		"ring.area()":    "ring has no member area",
		"main.used()":    "a copy runs nothing",
		"1 +":            "not a Go expression (1:",
		"-unknown x":     "options come before it",
		"huge[10000001]": "index out of bounds",
		"":               "an expression is missing",
		"-id 999999 x":   "there is no goroutine 999999; stack full shows the ids",
		"-id x x":        "-id takes a number from 1",
		"-frame 1 x":     "-id N is missing",
		"-depth 1000 x":  "-depth takes a number from 1 to 20",
		"verbose = true": "not a Go expression (1:",
	}
	for _, expr := range some(wants) {
		poketest.Run(t, "", g.PID, "print", expr).Fails(t, exit.Command, "print: ", wants[expr])
	}
	leavesNothing(t, g)
}

// goroutineIn returns the id of a goroutine that is in a function.
func goroutineIn(t *testing.T, g *poketest.Target, function string) string {
	t.Helper()
	r := poketest.Run(t, "", g.PID, "stack", "raw")
	for _, stack := range strings.Split(r.Stdout, "\n\n") {
		if m := regexp.MustCompile(`goroutine (\d+) `).FindStringSubmatch(stack); m != nil && strings.Contains(stack, function+"(") {
			return m[1]
		}
	}
	t.Fatalf("no goroutine is in %s: %s", function, r.Stdout)
	return ""
}

func TestLocals(t *testing.T) {
	g := holder(t)
	id := goroutineIn(t, g, "main.serve")
	poketest.Run(t, "", g.PID, "locals").Fails(t, exit.Command, "-id N is missing")
	for _, c := range []struct{ line, want string }{
		{"locals -id " + id, `(?s)^goroutine \d+, frame \d: main\.\(\*pair\[.*\]\)\.wait at .*main\.go:\d+\n.*\nframes: 0 runtime\.gopark .* main\.serve `},
		{"print -id " + id + " k", `^"bob7"\n$`},
		{"whatis -id " + id + " c", `^chan go\.shape\.string\n`},
		{"locals -id " + id + " -frame 0", `frame 0: runtime\.gopark at `},
	} {
		r := poketest.Run(t, "", "-c", c.line, g.PID)
		if r.Status != exit.OK || !regexp.MustCompile(c.want).MatchString(r.Stdout) {
			t.Errorf("%s: %+v, want %s", c.line, r, c.want)
		}
	}
	found := false
	for _, frame := range []string{"1", "2", "3", "4", "5"} {
		r := poketest.Run(t, "", g.PID, "locals", "-id", id, "-frame", frame)
		found = found || strings.Contains(r.Stdout, "main.serve") && strings.Contains(r.Stdout, `name = "bob"`) && strings.Contains(r.Stdout, "id = 7\n")
	}
	if !found {
		t.Error("no frame has the arguments of main.serve")
	}
	poketest.Run(t, "", g.PID, "locals", "-id", id, "-frame", "99").Fails(t, exit.Command, "Frame 99 does not exist")
}

func TestGlobals(t *testing.T) {
	g := holder(t)
	r := poketest.Run(t, "", g.PID, "globals")
	for _, want := range []string{"main.array = [3]int [1,2,3]\n", "main.greeting = \"hello\\x1b[2J\\u202e\"\n", "main.noShape = main.shape nil\n"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("%s is missing: %+v", want, r)
		}
	}
	if r := poketest.Run(t, "", g.PID, "globals", `^main\.(small|ratio)$`, "-len", "1"); r.Stdout != "main.ratio = 1.5\nmain.small = 5\n" {
		t.Errorf("%+v", r)
	}
	poketest.Run(t, "", g.PID, "globals", "main", "two").Fails(t, exit.Command, "unexpected")
	poketest.Run(t, "", g.PID, "globals", "^nothing$").Fails(t, exit.Command, "no package variable's full name matches ^nothing$")
	poketest.Run(t, "", g.PID, "globals", "(").Fails(t, exit.Command, "missing closing )")
}

func TestWhatis(t *testing.T) {
	g := holder(t)
	for expr, want := range map[string]string{
		"aShape": "main.shape\nholds: *main.square\n", "small": "int8\n", "pairs": "[]main.pair[string,int]\n",
	} {
		r := poketest.Run(t, "", g.PID, "whatis", expr)
		if r.Status != exit.OK || r.Stdout != want && !strings.HasPrefix(want, "main.shape") || !strings.Contains(r.Stdout, want[strings.Index(want, "\nholds")+1:]) {
			t.Errorf("%s: %+v", expr, r)
		}
	}
}

func TestValuesAsJSON(t *testing.T) {
	g := holder(t)
	r := poketest.Run(t, "", "--json", "-c", "print pairs; print large; print greeting; print bytes; print nonsense; globals ^main.array$; whatis aShape; print -len 2 many", g.PID)
	var lines []jsonAnswer
	for line := range strings.Lines(r.Stdout) {
		lines = append(lines, parseAnswer(t, line))
	}
	if len(lines) != 8 {
		t.Fatalf("%+v", r)
	}
	for i, want := range []string{`"name":"key","type":"string","kind":"string"`, `"value":9223372036854775813`, `"value":"hello\u001b[2J\u202e"`, `"bytes":"//4="`, "", `"elements":[{"type":"int"`, `"dynamic":"*main.square"`, `"cut":998`} {
		if lines[i].OK != (want != "") || !strings.Contains(string(lines[i].Value), want) {
			t.Errorf("%d: %+v %s, want %s", i, lines[i], lines[i].Value, want)
		}
	}
	if lines[4].Reason != "command-failed" || !strings.Contains(lines[4].Error, "print: ") {
		t.Errorf("%+v", lines[4])
	}
}

type jsonAnswer struct {
	OK            bool
	Error, Reason string
	Value         json.RawMessage
}

func parseAnswer(t *testing.T, line string) (l jsonAnswer) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return l
}

func TestPrintInScript(t *testing.T) {
	g := holder(t)
	r := poketest.Run(t, "print ring.name\nversion\nset small 8\nprint small\nprint nonsense\nprint ratio", g.PID)
	if want := regexp.MustCompile(`^"a"\ngo1.*\nsmall was 5 and is 8\n8\nlazy: error: print: could not find symbol value for nonsense.*\n1.5\n$`); r.Status != exit.Command || !want.MatchString(r.Stdout) {
		t.Errorf("%+v", r)
	}
	leavesNothing(t, g)
}

func TestPrintAtTerminal(t *testing.T) {
	g := holder(t)
	s, wait := poketest.AtTerminal(t, g.PID, "print", "ring.name")
	s.Until(t, "from a copy taken at ")
	s.Until(t, "; the program stood still for ")
	s.Until(t, "\"a\"\r\n")
	if status := wait(); status != exit.OK {
		t.Error(status)
	}

	s, wait = poketest.AtTerminal(t, g.PID)
	s.Until(t, "lazy> ")
	s.Type(t, "print sessions[\"with blank\"].name\r")
	s.Until(t, "from a copy taken at ")
	s.Until(t, "\"b\"\r\n")
	s.Until(t, "lazy> ")
	s.Type(t, "whatis ring\r")
	s.Until(t, "*main.node")
	s.Until(t, "lazy> ")
	s.Type(t, "print nonsense\r")
	s.Until(t, "lazy: error: print: could not find symbol value for nonsense")
	s.Until(t, "lazy> ")
	s.Type(t, "set small 9\r")
	s.Until(t, "small was 5 and is 9")
	s.Until(t, "lazy> ")
	s.Type(t, "print small\r")
	s.Until(t, "9\r\n")
	s.Until(t, "lazy> ")
	s.Type(t, "help\r")
	s.Until(t, "locals -id N [OPTION]...")
	s.Until(t, "lazy> ")
	s.Type(t, "help print\r")
	s.Until(t, "the value of an expression")
	s.Until(t, "lazy> ")
	s.Type(t, "version\r") // the session is as before
	s.Until(t, "go1")
	s.Until(t, "lazy> ")
	s.Type(t, "\x04")
	if status := wait(); status != exit.OK {
		t.Error(status)
	}
	leavesNothing(t, g)
}
