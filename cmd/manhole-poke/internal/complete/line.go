package complete

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

// maxOffered is how many words are offered. More than that are rare, and of no
// use.
const maxOffered = 100

// Line completes the word that ends at pos, in characters, of a line at the
// prompt: the line may become head, one of the words, and tail. All words are
// printable. After > it completes names of files.
func Line(commands []frame.Command, line string, pos int) (head string, completions []string, tail string) {
	runes := []rune(line)
	before, tail := string(runes[:pos]), string(runes[pos:])
	typed, err := words.Scan(before)
	if err != nil {
		return before, nil, tail // within quotes
	}
	last := words.Word{Start: len(before)}
	if n := len(typed); n > 0 && before[len(before)-1] != ' ' {
		typed, last = typed[:n-1], typed[n-1]
	}
	if last.Quoted || last.Text != before[last.Start:] {
		return before, nil, tail
	}
	completions = matching(commands, typed, last.Text)
	completions = completions[:min(len(completions), maxOffered)]
	if len(completions) == 1 && !strings.HasSuffix(completions[0], "/") && !strings.HasPrefix(tail, " ") {
		completions[0] += " "
	}
	return before[:last.Start], completions, tail
}

// matching returns the words that begin with prefix and may follow the words
// before it.
func matching(commands []frame.Command, before []words.Word, prefix string) (fit []string) {
	if mark, file, ok := fileWord(before, prefix); ok {
		return files(mark, file)
	}
	var line []string
	for _, w := range before {
		if w.Text == "" || !w.Quoted && (w.Text[0] == '|' || w.Text[0] == '>') {
			return nil // an argument of another program, or nothing
		}
		line = append(line, w.Text)
	}
	all := Next(commands, line)
	if len(line) == 0 {
		all = append(all, Candidate{Word: "exit"})
	}
	for _, c := range all {
		if strings.HasPrefix(c.Word, prefix) && typeable(c.Word) && !slices.Contains(fit, c.Word) {
			fit = append(fit, c.Word)
		}
	}
	slices.Sort(fit)
	if n := len(line); n > 1 && line[0] == "stack" && line[n-1] == "diff" && !strings.HasPrefix(prefix, "-") {
		fit = append(fit, files("", prefix)...)
	}
	return fit
}

// typeable reports whether a word, which another process chose, is safe to
// show and needs no quotes.
func typeable(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !unicode.IsGraphic(r) || r == unicode.ReplacementChar || strings.ContainsRune(` '"\|>`, r)
	})
}

// fileWord reports whether prefix is the beginning of the name of a file. mark
// is what stands before that in the same word.
func fileWord(before []words.Word, prefix string) (mark, file string, ok bool) {
	n := len(before)
	if n > 0 && !before[n-1].Quoted && (before[n-1].Text == ">" || before[n-1].Text == ">!") {
		return "", prefix, true
	}
	if file, ok = strings.CutPrefix(prefix, ">"); !ok || n == 0 {
		return "", "", false
	}
	if file, forced := strings.CutPrefix(file, "!"); forced {
		return ">!", file, true
	}
	return ">", file, true
}

// files returns the names of files that begin with prefix, each after mark.
func files(mark, prefix string) (names []string) {
	dir, base := filepath.Split(prefix)
	where := ExpandHome(dir)
	if where == "" {
		where = "."
	}
	d, err := os.Open(where)
	if err != nil {
		return nil
	}
	defer d.Close()
	st, err := d.Stat()
	if err != nil {
		return nil
	}
	shared := st.Mode()&0o002 != 0
	entries, _ := d.ReadDir(maxEntries)
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || !typeable(name) || name[0] == '.' && base == "" {
			continue
		}
		isDir := e.IsDir()
		// A symlink of another user's may lead to a file system that never answers.
		if e.Type() == os.ModeSymlink && !shared {
			info, err := os.Stat(filepath.Join(where, name))
			isDir = err == nil && info.IsDir()
		}
		if isDir {
			name += "/"
		}
		names = append(names, mark+dir+name)
	}
	slices.Sort(names)
	return names
}

// maxEntries is how much of a directory is looked at.
const maxEntries = 10_000

// ExpandHome replaces a leading "~/" by the home directory, as shells do.
func ExpandHome(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return name
}
