package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

var toCopy = regexp.MustCompile(`; (?:.*: )?try (manhole-poke .*)\n$`)

// copied runs the command line that an error offers, in a shell as a person pastes
// it.
func copied(t *testing.T, r poketest.Result) poketest.Result {
	t.Helper()
	m := toCopy.FindStringSubmatch(r.Stderr)
	if m == nil {
		t.Fatalf("nothing to copy in %q", r.Stderr)
	}
	cmd := exec.Command(lazytest.Tool(t, "sh"), "-c", "PATH="+filepath.Dir(poketest.Binary(t))+":$PATH\n"+m[1])
	cmd.Dir = t.TempDir()
	return poketest.Finish(t, cmd)
}

func TestWrongOrder(t *testing.T) {
	g := poketest.Start(t, "lazy")
	for _, c := range []struct {
		args string // separated by blanks
		st   exit.Status
		want string // in the answer of the line that is offered
	}{
		{"stats " + g.PID, exit.NotFound, "goroutines: "},
		{"stack " + g.PID + " -n 1", exit.Usage, "#1: "},
		{"stack -n 1 " + g.PID, exit.Usage, "#1: "},
		{"stack -match a|b " + g.PID, exit.Usage, " goroutines in "},
		{"memstats " + g.PID, exit.NotFound, "heap-alloc: "},
		{"--json stats " + g.PID, exit.Usage, `"goroutines":`},
		{"goroutines " + g.PID, exit.NotFound, "#1: "},
		{"stcak " + g.PID, exit.NotFound, "#1: "},
		{g.PID + " goroutines", exit.Command, ""},
		{g.PID + " kernel", exit.Command, "What the kernel knows"},
	} {
		r := poketest.Run(t, "", strings.Fields(c.args)...)
		if c.want == "" {
			r.Fails(t, c.st, "goroutines: no such command; try stack, or help")
			continue
		}
		r.Fails(t, c.st)
		if got := copied(t, r); got.Status != exit.OK || !strings.Contains(got.Stdout, c.want) {
			t.Errorf("%s: %q leads to %+v", c.args, r.Stderr, got)
		}
	}
	poketest.Run(t, "", "stack", "-n", "1").Fails(t, exit.Usage, "try manhole-poke PID stack -n 1")
	poketest.Run(t, "", "-n", "1", g.PID, "stack").Fails(t, exit.Usage, "-n belongs to a command, after it; try manhole-poke PID stack -n N")

	for word, want := range map[string]string{
		"stack -n 1": "#1: ", " stats ": "goroutines: ", "stats; version": "\ngo1.", "echo 'a  b'": "a  b\n",
	} {
		if r := poketest.Run(t, "", g.PID, word); r.Status != exit.OK || !strings.Contains(r.Stdout, want) {
			t.Errorf("%q: %+v", word, r)
		}
	}
}

// A second NAME is no target.
func TestSecondName(t *testing.T) {
	start := func(name string) *poketest.Target { return poketest.StartCopy(t, "lazy", lazytest.CopyExe(t, name), 0) }
	a, b := start("poke-first"), start("poke-second")
	r := poketest.Run(t, "", "poke-first", "poke-second", "stats")
	r.Fails(t, exit.Command, "but process "+b.PID+";", "try manhole-poke "+a.PID+" "+b.PID+" stats")
	if got := copied(t, r); got.Status != exit.OK || !strings.Contains(got.Stdout, "poke-second") {
		t.Errorf("%q leads to %+v", r.Stderr, got)
	}
}

// The PID of what only starts a program leads to the program.
func TestWrapper(t *testing.T) {
	for name, wrapper := range map[string][]string{
		"sh -c":   {"sh", "-c", `"$@"; true`, "sh"},
		"timeout": {"timeout", "600"},
		"two":     {"sh", "-c", `timeout 600 "$@"; true`, "sh"},
		"strace":  {"strace", "-f", "-o", "/dev/null"},
		"tini":    {"tini", "-s", "--"},
	} {
		t.Run(name, func(t *testing.T) {
			lazytest.Tool(t, wrapper[0])
			path := filepath.Join(lazytest.PublicDir(t), "door")
			g := poketest.StartCommand(t, "lazy", path, lazytest.Wrap(lazytest.Command(lazytest.Exe(t), path), wrapper...))
			for _, args := range [][]string{{g.PID, "stack", "-n", "1", "-state", "a b"}, {g.PID, "print main.x"}, {"-c", "stats; version", g.PID}, {g.PID}} {
				r := poketest.Run(t, "", args...)
				r.Fails(t, exit.NotArmed, "below it runs ", ", armed: try manhole-poke ")
				if args[len(args)-1] == "print main.x" {
					continue
				}
				if got := copied(t, r); got.Status != exit.OK {
					t.Errorf("%q leads to %+v", r.Stderr, got)
				}
			}
		})
	}
	// What has no armed process below it is reported as ever.
	r := poketest.Run(t, "", poketest.StartOther(t, "sleep", "600"), "stats")
	r.Fails(t, exit.NotArmed, "is this the right PID?")
}

// As under sudo -u, which belongs to root.
func TestWrapperOfAnotherUser(t *testing.T) {
	lazytest.NeedRoot(t)
	path := filepath.Join(lazytest.PublicDir(t), "door")
	exe := lazytest.CopyExe(t, "poke-test-below")
	words := append([]string{"sh", "-c", `"$@"; true`, "sh"}, lazytest.AsUser(t, lazytest.Nobody)...)
	g := poketest.StartCommand(t, "lazy", path, lazytest.Wrap(lazytest.Command(exe, path), words...))
	poketest.AsNobody(t, "", g.PID, "stats").Fails(t, exit.Denied, "belongs to uid 0", "below it runs ", "(poke-test-below), armed: try manhole-poke ")
}

// A program that imports package armed and was started without LAZY_MANHOLE.
func TestImportsArmed(t *testing.T) {
	lazytest.Tool(t, "go")
	exe := filepath.Join(poketest.Dir(), "imports")
	if err := lazytest.Build(exe, "testdata/imports"); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"":          "imports lazy/armed, but was started without LAZY_MANHOLE, so it is not armed and was not signalled; restart it with LAZY_MANHOLE=1",
		"signal=no": "imports lazy/armed and was started with LAZY_MANHOLE, but does not look armed",
	} {
		cmd := lazytest.Command(exe)
		if value != "" {
			cmd.Env = append(cmd.Environ(), "LAZY_MANHOLE="+value)
		}
		p := lazytest.Launch(t, "", cmd).Ready()
		poketest.Run(t, "", strconv.Itoa(p.PID), "stats").Fails(t, exit.NotArmed, want)
	}
}
