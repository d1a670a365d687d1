package session

import (
	"bufio"
	"io"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
)

func TestMain(m *testing.M) { poketest.Main(m, nil) }

func TestScript(t *testing.T) {
	g := poketest.Start(t, "armed")
	poketest.Run(t, "stats\nmore\n", g.PID).Succeeds(t, "you said stats\nyou said more\n")
	poketest.Run(t, "stats\nquit\n", "-s", "USR2", "-t", "5", g.PID).Succeeds(t, "you said stats\n")
	poketest.Run(t, "no newline at the end", g.PID).Succeeds(t, "you said no newline at the end\n")
	g.Expect(t, "rung")
}

func TestScriptThatStartsLate(t *testing.T) {
	g := poketest.Start(t, "armed")
	r, w := io.Pipe()
	go func() {
		time.Sleep(300 * time.Millisecond) // a silent peer would be a person by now
		io.WriteString(w, "stats\n")
		w.Close()
	}()
	poketest.Finish(t, poketest.Command(t, r, g.PID)).Succeeds(t, "you said stats\n")
}

func TestReport(t *testing.T) {
	g := poketest.Start(t, "armed")
	poketest.Finish(t, poketest.Command(t, nil, g.PID)).Succeeds(t, "lazy: welcome\n\nreport\n")
}

func TestCommandFails(t *testing.T) {
	g := poketest.Start(t, "armed")
	r := poketest.Run(t, "bad\na\n", g.PID)
	r.Fails(t, exit.Command, "bad: no such command; try help")
	if want := "lazy: error: bad: no such command; try help\nyou said a\n"; r.Stdout != want {
		t.Errorf("got %q, want %q", r.Stdout, want)
	}
	poketest.Run(t, "bad\nbad\n", g.PID).Fails(t, exit.Command, "2 commands failed", "the first: bad")
}

func TestSilent(t *testing.T) {
	g := poketest.Start(t, "silent")
	r := poketest.Finish(t, poketest.Command(t, nil, "-t", "200ms", g.PID))
	if r.Status != exit.Timeout {
		t.Errorf("%+v", r)
	}
}

func TestTurnedAway(t *testing.T) {
	g := poketest.Start(t, "refusing")
	r := poketest.Run(t, "a\n", g.PID)
	r.Fails(t, exit.Denied, "lazy: refused: uid 7 is neither uid 0 nor root", "try as the process's user")
	g = poketest.Start(t, "busy")
	r2 := poketest.Run(t, "a\n", g.PID)
	r2.Fails(t, exit.Busy, "held by uid 7 (pid 8) since 09:10:11", "wait")
	if r.Stdout+r2.Stdout != "" {
		t.Errorf("said on stdout: %q", r.Stdout+r2.Stdout)
	}
}

func TestBroken(t *testing.T) {
	g := poketest.Start(t, "hanging up")
	poketest.Finish(t, poketest.Command(t, nil, g.PID)).Fails(t, exit.Broken, g.PID, "without a word")
	g = poketest.Start(t, "hanging up on the script")
	poketest.Run(t, "a\nb\nc\n", g.PID).Fails(t, exit.Broken, g.PID, "try")
	g = poketest.Start(t, "closing")
	r := poketest.Run(t, "a\n", g.PID)
	r.Fails(t, exit.Broken, "ended the session: silent for 5m0s")
	if r.Stdout != "welcome\n" {
		t.Errorf("%q", r.Stdout)
	}
}

// A client gets in although the process has not noticed yet that the holder of the
// session is gone.
func TestHolderKilled(t *testing.T) {
	g := poketest.Start(t, "lazy")
	for range 10 {
		holder := poketest.Command(t, nil, g.PID, "block")
		out, err := holder.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(out).ReadString('\n')
		holder.Process.Kill()
		holder.Wait()
		poketest.Finish(t, poketest.Command(t, nil, g.PID, "echo", "in")).Succeeds(t, "in\n")
	}
}

// A client that connects when the session before is just ending tries again, and
// says all of it again.
func TestHungUpAtFirst(t *testing.T) {
	g := poketest.Start(t, "hanging up at first")
	poketest.Run(t, "stats\n", g.PID).Succeeds(t, "you said stats\n")
}

func TestExited(t *testing.T) {
	g := poketest.Start(t, "dying when rung")
	poketest.Run(t, "a\n", g.PID).Fails(t, exit.Broken, g.PID, "exited before it opened "+g.Path)
	g = poketest.Start(t, "dying in the session")
	r := poketest.Run(t, "a\n", g.PID)
	r.Fails(t, exit.Broken, g.PID, "exited during the session")
	if r.Stdout != "welcome\n" {
		t.Errorf("%q", r.Stdout)
	}
}
