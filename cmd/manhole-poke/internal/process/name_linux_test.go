package process

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestByName(t *testing.T) {
	one, two := lazytest.CopyExe(t, "poke-test-one"), lazytest.CopyExe(t, "poke-test-two")
	hints := []string{"the subcommand list"}
	expect := func(unarmed bool, name string, want *poketest.Target) {
		t.Helper()
		if pid, err := ByName(name, unarmed, hints...); err != nil || strconv.Itoa(pid) != want.PID {
			t.Errorf("%s: %d, %v, want %s", name, pid, err, want.PID)
		}
	}
	fails := func(unarmed bool, name string, s exit.Status, words ...string) {
		t.Helper()
		pid, err := ByName(name, unarmed, hints...)
		if exit.StatusOf(err) != s || pid != 0 {
			t.Errorf("%s: %d, %v", name, pid, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q lacks %q", err, w)
			}
		}
	}
	fails(false, "poke-test-one", exit.NotFound, `"poke-test-one"`, "list the processes with manhole-poke")
	unarmed := poketest.StartCopy(t, "unarmed", one, 0)
	other := poketest.StartCopy(t, "armed", two, 0)
	expect(false, "poke-test-one", unarmed)
	expect(false, "poke-test-two", other)
	// Part of a name is not enough.
	fails(false, "poke-TEST", exit.NotFound, "poke-test-one ("+unarmed.PID+")", "poke-test-two ("+other.PID+")")
	fails(false, "", exit.NotFound)
	fails(false, "lst", exit.NotFound, `"lst", but there is the subcommand list; `)

	armed := poketest.StartCopy(t, "armed", one, 0)
	expect(false, "poke-test-one", armed)
	fails(true, "poke-test-one", exit.NotFound, unarmed.PID, armed.PID)
	poketest.StartCopy(t, "from the future", one, 0)
	fails(false, "poke-test-one", exit.NotFound, "3 Go processes", unarmed.PID+" (", "not armed", armed.PID, "armed or not is hidden")
	poketest.StartCopy(t, "armed", two, 0)
	fails(false, "poke-test-two", exit.NotFound, "2 Go processes", other.PID)
}

// A process may take the name of another user's process.
func TestByNameAmongUsers(t *testing.T) {
	lazytest.NeedRoot(t)
	exe := lazytest.CopyExe(t, "poke-test-three")
	ours := poketest.StartCopy(t, "unarmed", exe, 0)
	theirs := poketest.StartCopy(t, "armed", exe, 65534)
	if pid, err := ByName("poke-test-three", false); exit.StatusOf(err) != exit.NotFound || !strings.Contains(err.Error(), ours.PID) || !strings.Contains(err.Error(), theirs.PID) {
		t.Errorf("%d, %v", pid, err)
	}
	ours.Unharmed(t)
	theirs.Unharmed(t)
	// A process that the user may not signal does not count.
	poketest.AsNobody(t, "a\n", "poke-test-three").Succeeds(t, "you said a\n")
	theirs.Expect(t, "rung")
	ours.Unharmed(t)
}

func TestArmed(t *testing.T) {
	armed, usr1 := poketest.Start(t, "armed"), poketest.Start(t, "for USR1")
	others := []*poketest.Target{poketest.Start(t, "unarmed"), poketest.Start(t, "from the future"), poketest.Start(t, "with another's note")}
	pids, err := Armed()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*poketest.Target{armed, usr1} {
		if !slices.Contains(pids, poketest.Atoi(t, g.PID)) {
			t.Errorf("%v lacks %s", pids, g.PID)
		}
	}
	for _, g := range others {
		if slices.Contains(pids, poketest.Atoi(t, g.PID)) {
			t.Errorf("%v has %s", pids, g.PID)
		}
	}
}

func TestIsCalled(t *testing.T) {
	inContainer := Info{Name: "k3s", Comm: "containerd", Path: new("/bin/k3s")}
	hidden := Info{Name: "a-very-long-nam", Comm: "a-very-long-nam"}
	for name, want := range map[string][2]bool{
		"k3s": {true, false}, "containerd": {true, false}, "k3": {}, "K3S": {}, "": {}, "/bin/k3s": {},
		"a-very-long-name-indeed": {false, true}, "a-very-long-nam": {false, true}, "a-very-long": {},
	} {
		if got := [2]bool{inContainer.isCalled(name), hidden.isCalled(name)}; got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestFirst(t *testing.T) {
	var ps []Info
	for pid := range 10 {
		ps = append(ps, Info{PID: pid, User: new("www"), Armed: new(pid%2 == 0)})
	}
	text := first(ps, (*Info).summary)
	if !strings.HasPrefix(text, "0 (www, armed), 1 (www, not armed), 2 ") || !strings.HasSuffix(text, "7 (www, not armed), and 2 more") {
		t.Error(text)
	}
	if text := first(ps[:1], (*Info).summary); text != "0 (www, armed)" {
		t.Error(text)
	}
	if !ofOneUser([]Info{{UID: new(1)}, {UID: new(1)}}) || slices.ContainsFunc([][]Info{{{UID: new(1)}, {UID: new(2)}}, {{UID: new(1)}, {}}, {{}, {UID: new(1)}}}, ofOneUser) {
		t.Error("ofOneUser")
	}
}
