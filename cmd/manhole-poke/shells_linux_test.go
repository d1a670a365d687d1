package main

import (
	"os"
	"os/exec"
	"path/filepath"
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
			g := startNamed(t, "poked-by-tab")
			s := startWindow(t, []string{"PATH=" + filepath.Dir(pokeBinary) + ":" + os.Getenv("PATH")}, append([]string{shell.name}, shell.args...)...)
			s.types(t, shell.setup+"; echo set'' up", "Enter")
			s.shows(t, "\nset up")
			s.types(t, "clear", "Enter")

			s.types(t, "manhole-poke poked-by", "Tab")
			s.shows(t, "manhole-poke poked-by-tab")
			s.types(t, "stack diff -min", "Tab")
			s.shows(t, "poked-by-tab stack diff -min-wait")

			s.types(t, "C-u", "C-c")
			s.types(t, "clear", "Enter")
			s.types(t, "manhole-poke "+g.pid[:len(g.pid)-1], "Tab", "Tab")
			s.shows(t, g.pid) // completed, or offered with its neighbours
			g.unharmed(t)
		})
	}
}
