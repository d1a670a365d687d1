// Package session holds a conversation with an armed process in frames
// (package internal/frame of lazy), where the end of an answer, its failure and
// what is said in passing need not be guessed from text.
package session

import (
	"slices"

	"github.com/go-manhole/lazy/internal/frame"
)

// Find returns the command that words call, and the form of it, if the first
// argument names one.
func Find(commands []frame.Command, words []string) (c frame.Command, form *frame.Form, ok bool) {
	if len(words) == 0 {
		return c, nil, false
	}
	i := slices.IndexFunc(commands, func(c frame.Command) bool { return c.Name == words[0] })
	if i < 0 {
		return c, nil, false
	}
	c = commands[i]
	if len(words) > 1 {
		if j := slices.IndexFunc(c.Forms, func(f frame.Form) bool { return f.Name == words[1] }); j >= 0 {
			form = &c.Forms[j]
		}
	}
	return c, form, true
}
