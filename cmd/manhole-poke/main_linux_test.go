package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/signame"
)

func TestMain(m *testing.M) { poketest.Main(m, lazytest.Roles{"leaking": leaking, "crowd": crowd}) }

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-t", "1"}, {"list", "x"}, {"-x", "1"}, {"-t"}, {"-t", "0", "1"}, {"-t", "soon", "1"}, {"-s", "XYZ", "1"}, {"-s", "KILL", "1"},
		{"0"}, {"-1"}, {"99999999999999999999"}, {"-p", "/x", "/y"}, {""}, {"--what", "1"},
		{"demo", "x"}, {"-s", "USR1", "demo"}, {"help", "x"}, {"version", "x"}, {"--version", "x"},
		{"completion"}, {"completion", "x"}, {"--json", "1"}, {"-o", "x", "1"}, {"-f", "1", "stats"},
		{"1", "--json", "stats"}, {"1", "stats", "-o"}, {"1", "a\nb"}, {"1", "stats\x03"}, {"-c", "stats\x03", "1"}, {"-c", " ; ", "1"}, {"-c", "'", "1"},
		{"-c", "stats"}, {"--all"}, {"--all", "1", "stats"}, {"--all", "-c", "stats", "1"}, {"--all", "-x"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			poketest.Run(t, "", args...).Fails(t, exit.Usage)
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, arg := range []string{"help", "-h", "-help", "--help"} {
		if r := poketest.Run(t, "", arg); r.Status != exit.OK || r.Stderr != "" || !strings.HasPrefix(r.Stdout, "Usage:\n  manhole-poke ") {
			t.Errorf("%s: %+v", arg, r)
		}
	}
	if r := poketest.Run(t, "", "version"); r.Status != exit.OK || r.Stderr != "" || !strings.HasPrefix(r.Stdout, "manhole-poke ") {
		t.Errorf("version: %+v", r)
	}
}

func TestCalledLikeASubcommand(t *testing.T) {
	for _, name := range []string{"version", "help", "demo"} {
		poketest.Run(t, "", "--", name).Fails(t, exit.NotFound, name)
	}
}

func TestNearlyASubcommand(t *testing.T) {
	for word, near := range map[string]string{"lst": "list", "List": "list", "hlep": "help", "kernle": "kernel", "vers": "version", "xyz": "", "my": ""} {
		r := poketest.Run(t, "", word)
		r.Fails(t, exit.NotFound, fmt.Sprintf("%q", word), "list the processes with manhole-poke")
		if said := strings.Contains(r.Stderr, "the subcommand"); said != (near != "") || said && !strings.Contains(r.Stderr, "the subcommand "+near+";") {
			t.Errorf("%s: %s", word, r.Stderr)
		}
	}
	poketest.Run(t, "", "stats").Fails(t, exit.NotFound, `"stats"`, "try manhole-poke PID stats")
}

func TestStandardOutputFull(t *testing.T) {
	full := poketest.FullDevice(t)
	a, b := poketest.Start(t, "lazy"), poketest.Start(t, "lazy")
	for _, c := range []struct {
		script string
		args   []string
		says   string
	}{
		{"version\n", []string{a.PID}, "cannot write the answer"},
		{"", []string{a.PID}, "cannot write the answers"},
		{"", []string{a.PID, "version"}, "cannot write the answer"},
		{"", []string{a.PID, "binary"}, "cannot write the answer"},
		{"", []string{"-c", "version; stats", a.PID}, "cannot write the answer"},
		{"", []string{a.PID, b.PID, "version"}, "cannot write the answers"},
		{"", []string{a.PID, b.PID, "stats"}, "cannot write the answers"},
		{"", []string{a.PID, b.PID, "stack"}, "cannot write the answers"},
		{"", []string{"--json", a.PID, b.PID, "stack"}, "cannot write the answers"},
		{"", []string{"list"}, "cannot write the list"},
		{"", []string{"kernel", a.PID}, "cannot write to standard output"},
		{"", []string{"help"}, "cannot write to standard output"},
		{"", []string{"version"}, "cannot write to standard output"},
		{"", []string{"man"}, "cannot write to standard output"},
		{"", []string{"completion", "bash"}, "cannot write to standard output"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			cmd := poketest.Command(t, strings.NewReader(c.script), c.args...)
			cmd.Stdout = full
			poketest.Finish(t, cmd).Fails(t, exit.LocalIO, c.says+": ", "no space left")
		})
	}
}

func TestStandardInputUnreadable(t *testing.T) {
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	g := poketest.Start(t, "armed")
	poketest.Finish(t, poketest.Command(t, dir, g.PID)).Fails(t, exit.LocalIO, "cannot read the script", "</dev/null")
	g.Unharmed(t)
}

func TestInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		g := poketest.Start(t, "deaf")
		cmd := poketest.Command(t, strings.NewReader("a\n"), g.PID)
		done := make(chan poketest.Result)
		go func() { done <- poketest.Finish(t, cmd) }()
		g.Expect(t, "rung")
		cmd.Process.Signal(sig)
		(<-done).Fails(t, exit.Signalled+exit.Status(sig), signame.Name(sig))
	}
}
