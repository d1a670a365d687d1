package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The shells are real, and so is the terminal that the keys are typed at.
func TestShells(t *testing.T) {
	bashCompletion := "/usr/share/bash-completion/bash_completion"
	for _, shell := range []struct {
		name  string
		args  []string
		needs string
		setup string
	}{
		{"bash", []string{"--norc", "-i"}, bashCompletion, "PS1='$ '; . " + bashCompletion + "; source <(manhole-poke completion bash)"},
		{"zsh", []string{"-f", "-i"}, "", "PS1='$ '; autoload -U compinit; compinit -u -D; source <(manhole-poke completion zsh)"},
		{"fish", []string{"--no-config", "-i"}, "", "manhole-poke completion fish | source"},
	} {
		t.Run(shell.name, func(t *testing.T) {
			if _, err := exec.LookPath(shell.name); err != nil {
				t.Skip(err)
			}
			if _, err := os.Stat(shell.needs); shell.needs != "" && err != nil {
				t.Skip("bash-completion is not here: ", err)
			}
			// Another run of this test may go on, and a name is only offered
			// if nothing else has it.
			name := fmt.Sprintf("poked-%d-by-tab", os.Getpid())
			g := startNamed(t, name)
			s := startWindow(t, []string{"PATH=" + filepath.Dir(pokeBinary) + ":" + os.Getenv("PATH")}, append([]string{shell.name}, shell.args...)...)
			s.types(t, shell.setup, "Enter")

			s.clear(t)
			s.types(t, "manhole-poke "+strings.TrimSuffix(name, "tab"), "Tab")
			s.shows(t, "manhole-poke "+name)
			s.types(t, "stack diff -min", "Tab")
			s.shows(t, name+" stack diff -min-wait")

			s.clear(t)
			s.types(t, "manhole-poke "+g.pid[:len(g.pid)-1], "Tab", "Tab")
			s.shows(t, g.pid) // completed, or offered with its neighbours
			g.unharmed(t)
		})
	}
}

// clear throws away what is typed, and returns when the shell is idle.
func (w *window) clear(t *testing.T) {
	t.Helper()
	w.types(t, "C-u", "clear; echo clear''ed", "Enter")
	w.shows(t, "cleared")
}
