package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/go-manhole/lazy/internal/frame"
)

// A consoleCompleter completes what is typed at the prompt from what the
// session's own help says about its commands.
type consoleCompleter struct{ commands []frame.Command }

// complete is lineedit.Config's Complete: pos counts characters.
func (c *consoleCompleter) complete(line string, pos int) (head string, words []string, tail string) {
	runes := []rune(line)
	before, tail := string(runes[:pos]), string(runes[pos:])
	typed, err := typedWords(before)
	if err != nil {
		return before, nil, tail // in a quote
	}
	last := typedWord{start: len(before)}
	if n := len(typed); n > 0 && before[len(before)-1] != ' ' {
		typed, last = typed[:n-1], typed[n-1]
	}
	if last.quoted || last.text != before[last.start:] {
		return before, nil, tail
	}
	words = c.candidates(typed, last.text)
	// Rarely are there more, and then they are of no use.
	words = words[:min(len(words), 100)]
	if len(words) == 1 && !strings.HasSuffix(words[0], "/") && !strings.HasPrefix(tail, " ") {
		words[0] += " "
	}
	return before[:last.start], words, tail
}

func (c *consoleCompleter) candidates(before []typedWord, prefix string) []string {
	if mark, file, ok := beforeFile(before, prefix); ok {
		return filesLike(mark, file)
	}
	var words []string
	for _, w := range before {
		if w.text == "" || !w.quoted && (w.text[0] == '|' || w.text[0] == '>') {
			return nil // what another program is given, or nothing
		}
		words = append(words, w.text)
	}
	all := consoleCandidates(c.commands, words)
	if len(words) == 0 {
		all = append(all, candidate{word: "exit"})
	}
	var fit []string
	for _, may := range all {
		if strings.HasPrefix(may.word, prefix) && typeable(may.word) && !slices.Contains(fit, may.word) {
			fit = append(fit, may.word)
		}
	}
	slices.Sort(fit)
	return fit
}

// typeable says that a word, which another process chose, is one for the
// console, and that it is safe to show.
func typeable(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !unicode.IsGraphic(r) || r == unicode.ReplacementChar || strings.ContainsRune(` '"\|>`, r)
	})
}

// beforeFile tells whether the last word is a file, or its beginning. mark is
// what stands before it in the same word.
func beforeFile(before []typedWord, prefix string) (mark, file string, ok bool) {
	n := len(before)
	if n > 0 && !before[n-1].quoted && (before[n-1].text == ">" || before[n-1].text == ">!") {
		return "", prefix, true
	}
	if file, ok = strings.CutPrefix(prefix, ">"); !ok || n == 0 {
		return "", "", false
	}
	file, forced := strings.CutPrefix(file, "!")
	if forced {
		return ">!", file, true
	}
	return ">", file, true
}

func filesLike(mark, prefix string) (names []string) {
	dir, base := filepath.Split(prefix)
	where := atHome(dir)
	if where == "" {
		where = "."
	}
	entries, err := os.ReadDir(where)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || !typeable(name) || name[0] == '.' && base == "" {
			continue
		}
		if info, err := os.Stat(filepath.Join(where, name)); err == nil && info.IsDir() {
			name += "/"
		}
		names = append(names, mark+dir+name)
	}
	return names
}
