package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
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
			lazytest.Tool(t, shell.name)
			if _, err := os.Stat(shell.needs); shell.needs != "" && err != nil {
				t.Skip("bash-completion is not here: ", err)
			}
			// Another run of this test may go on, and a name is only offered
			// if nothing else has it.
			name := fmt.Sprintf("poked-%d-by-tab", os.Getpid())
			g := poketest.StartNamed(t, name)
			env := []string{"PS1=$ ", "PATH=" + filepath.Dir(poketest.Binary(t)) + ":" + os.Getenv("PATH")}
			s := shellWindow{Window: lazytest.StartWindow(t, env, append([]string{shell.name}, shell.args...)...)}
			s.idle(t, "")
			s.Type(shell.setup, "Enter")

			s.clear(t)
			s.tab("manhole-poke " + strings.TrimSuffix(name, "tab"))
			s.Shows("$ manhole-poke " + name)
			s.tab("stack diff -min")
			s.Shows(name + " stack diff -min-wait")

			s.clear(t)
			s.tab("manhole-poke " + g.PID[:len(g.PID)-1])
			s.Shows(g.PID) // completed, or offered with its neighbours
			g.Unharmed(t)
		})
	}
}

// A shellWindow is typed at only when the shell waits for input: shells read and
// show what is typed ahead in different ways.
type shellWindow struct {
	*lazytest.Window
	cleared int
}

// idle waits for the prompt below a line.
func (w *shellWindow) idle(t *testing.T, line string) {
	t.Helper()
	lazytest.Eventually(t, "the prompt comes back", func() bool {
		return strings.TrimSpace(w.Screen()) == strings.TrimSpace(line+"\n$")
	})
}

// clear throws away what is typed.
func (w *shellWindow) clear(t *testing.T) {
	t.Helper()
	w.cleared++
	w.Type("C-u", fmt.Sprintf("clear; echo clear''ed %d", w.cleared), "Enter")
	w.idle(t, fmt.Sprintf("cleared %d", w.cleared))
}

// tab completes what is typed at the end of the line.
func (w *shellWindow) tab(text string) {
	w.Type(text)
	w.Shows(text)
	w.Type("Tab")
}
