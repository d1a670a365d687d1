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
		{"bash", []string{"--norc", "-i"}, bashCompletion, "bind 'set show-all-if-ambiguous on'; . " + bashCompletion + "; source <(manhole-poke completion bash)"},
		{"zsh", []string{"-f", "-i"}, "", "autoload -U compinit; compinit -u -D; source <(manhole-poke completion zsh)"},
		{"fish", []string{"--no-config", "-i", "-C", "function fish_prompt; echo -n '$ '; end; set -g fish_autosuggestion_enabled 0"}, "", "manhole-poke completion fish | source"},
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
			g := poketest.StartNamed(t, name)
			env := []string{"PS1=$ ", "PATH=" + filepath.Dir(poketest.Binary(t)) + ":" + os.Getenv("PATH")}
			s := shellWindow{window: startWindow(t, env, append([]string{shell.name}, shell.args...)...)}
			s.idle(t, "")
			s.types(t, shell.setup, "Enter")

			s.clear(t)
			s.tab(t, "manhole-poke "+strings.TrimSuffix(name, "tab"))
			s.ShowsKernel(t, "$ manhole-poke "+name)
			s.tab(t, "stack diff -min")
			s.ShowsKernel(t, name+" stack diff -min-wait")

			s.clear(t)
			s.tab(t, "manhole-poke "+g.PID[:len(g.PID)-1])
			s.ShowsKernel(t, g.PID) // completed, or offered with its neighbours
			g.Unharmed(t)
		})
	}
}

// A shellWindow is typed at only when the shell has come to wait for it: what is
// typed ahead is read and shown differently, by each shell in its own way.
type shellWindow struct {
	*window
	cleared int
}

// idle waits for the prompt below a line.
func (w *shellWindow) idle(t *testing.T, line string) {
	t.Helper()
	lazytest.Eventually(t, "the prompt comes back", func() bool {
		text, _ := w.tmux("capture-pane", "-p")
		return strings.TrimSpace(text) == strings.TrimSpace(line+"\n$")
	})
}

// clear throws away what is typed.
func (w *shellWindow) clear(t *testing.T) {
	t.Helper()
	w.cleared++
	w.types(t, "C-u", fmt.Sprintf("clear; echo clear''ed %d", w.cleared), "Enter")
	w.idle(t, fmt.Sprintf("cleared %d", w.cleared))
}

// tab completes what is typed at the end of the line.
func (w *shellWindow) tab(t *testing.T, text string) {
	t.Helper()
	w.types(t, text)
	w.ShowsKernel(t, text)
	w.types(t, "Tab")
}
