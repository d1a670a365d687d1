//go:build unix

package lineedit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

const (
	// historyMost is how many lines are offered, and kept when the file has
	// become too long.
	historyMost = 1000
	// historyLong is when it has.
	historyLong = 256 << 10
)

// A history is what was typed, in this session and in those before. That it
// can't be kept on disk is no failure.
type history struct {
	file  string // "" if there is none to keep it in
	lines []string
}

// openHistory reads what earlier sessions of the program left.
func openHistory(program string) *history {
	h := &history{file: historyFile(program)}
	f, err := os.Open(h.file)
	if err != nil {
		return h
	}
	defer f.Close()
	if text, err := lastOf(f, 2*historyLong); err == nil {
		h.lines = historyLines(text)
	}
	return h
}

// lastOf reads the last whole lines of a file.
func lastOf(f *os.File, most int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, os.ErrInvalid)
	}
	from := max(0, info.Size()-most)
	text, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if from > 0 {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return text, err
}

// historyFile is in the directory for what a program remembers (XDG Base
// Directory Specification). It is no file if that is another user's, as it may
// be under sudo: it would then be root's, and closed to its owner.
func historyFile(program string) string {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	for there := dir; ; there = filepath.Dir(there) {
		info, err := os.Stat(there)
		if errors.Is(err, fs.ErrNotExist) && there != filepath.Dir(there) {
			continue
		}
		if err != nil {
			return ""
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
			return ""
		}
		return filepath.Join(dir, program, "history")
	}
}

// historyLines are the last lines of a file that anything may have written:
// they go to the terminal when they are looked through.
func historyLines(text []byte) (lines []string) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); fitForHistory(line) {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-historyMost):]
}

// fitForHistory leaves out lines that begin with a blank: that is how one
// types what should not be kept, as in other shells.
func fitForHistory(line string) bool {
	return line != "" && line[0] != ' ' && len(line) <= 4096 && utf8.ValidString(line) &&
		!strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// add remembers a line, for the next session too.
func (h *history) add(line string) {
	if !fitForHistory(line) || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > historyMost {
		h.lines = h.lines[1:]
	}
	if h.file != "" && h.keep(line) != nil {
		h.file = "" // the next line would not fare better
	}
}

// keep appends the line. Several processes may do that at once, and one of them
// replace the file by a shorter one.
func (h *history) keep(line string) error {
	if err := os.MkdirAll(filepath.Dir(h.file), 0o700); err != nil {
		return err
	}
	for {
		f, err := os.OpenFile(h.file, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		// Not every file system has locks; then a line is lost now and then.
		unix.Flock(int(f.Fd()), unix.LOCK_EX)
		info, err := f.Stat()
		if now, e := os.Stat(h.file); err == nil && (e != nil || !os.SameFile(info, now)) {
			f.Close() // replaced while we waited
			continue
		}
		if err == nil {
			_, err = f.WriteString(line + "\n")
		}
		if err == nil && info.Size() > historyLong {
			err = h.shorten(f)
		}
		return errors.Join(err, f.Close())
	}
}

// shorten replaces the file, which is locked, by its last lines.
func (h *history) shorten(f *os.File) error {
	// Half of what is too long, or each line would shorten it again.
	text, err := lastOf(f, historyLong/2)
	if err != nil {
		return err
	}
	var last bytes.Buffer
	for _, line := range historyLines(text) {
		last.WriteString(line + "\n")
	}
	short, err := os.CreateTemp(filepath.Dir(h.file), ".history.*") // 0600
	if err != nil {
		return err
	}
	_, err = short.Write(last.Bytes())
	if err = errors.Join(err, short.Close()); err == nil {
		err = os.Rename(short.Name(), h.file)
	}
	if err != nil {
		os.Remove(short.Name())
	}
	return err
}
