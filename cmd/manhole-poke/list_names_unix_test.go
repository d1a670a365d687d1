//go:build unix

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestCalled(t *testing.T) {
	inContainer := goProcess{Name: "k3s", Comm: "containerd", Path: new("/bin/k3s")}
	hidden := goProcess{Name: "a-very-long-nam", Comm: "a-very-long-nam"}
	for name, want := range map[string][2]bool{
		"k3s": {true, false}, "containerd": {true, false}, "k3": {}, "K3S": {}, "": {}, "/bin/k3s": {},
		"a-very-long-name-indeed": {false, true}, "a-very-long-nam": {false, true}, "a-very-long": {},
	} {
		if got := [2]bool{inContainer.called(name), hidden.called(name)}; got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestSome(t *testing.T) {
	var ps []goProcess
	for pid := range 10 {
		ps = append(ps, goProcess{PID: pid, User: new("www"), Armed: new(pid%2 == 0)})
	}
	text := some(ps, (*goProcess).candidate)
	if !strings.HasPrefix(text, "0 (www, armed), 1 (www, not armed), 2 ") || !strings.HasSuffix(text, "7 (www, not armed), and 2 more") {
		t.Error(text)
	}
	if text := some(ps[:1], (*goProcess).candidate); text != "0 (www, armed)" {
		t.Error(text)
	}
	if !ofOneUser([]goProcess{{UID: new(1)}, {UID: new(1)}}) || slices.ContainsFunc([][]goProcess{{{UID: new(1)}, {UID: new(2)}}, {{UID: new(1)}, {}}, {{}, {UID: new(1)}}}, ofOneUser) {
		t.Error("ofOneUser")
	}
}
