//go:build linux || darwin || freebsd

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

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/safepath"
	"golang.org/x/sys/unix"
)

const (
	// maxHistory is how many lines are offered, and kept when the file is
	// shortened.
	maxHistory = 1000
	// maxHistorySize is the size in bytes from which on the file is shortened.
	maxHistorySize = 256 << 10
)

// A history has the lines of this session and of earlier ones. Errors of its
// file are ignored.
type history struct {
	file  string // "" if nothing is kept
	lines []string
}

// openHistory reads the history of earlier sessions of the program.
func openHistory(program string) *history {
	if program == "" {
		return &history{}
	}
	h := &history{file: historyFile(program)}
	p, err := safepath.Resolve(h.file, false)
	if err != nil {
		return h
	}
	defer p.Close()
	f, err := p.Open(os.O_RDONLY, 0, ownFile)
	if err != nil {
		return h
	}
	defer f.Close()
	if text, err := lastOf(f, 2*maxHistorySize); err == nil {
		h.lines = historyLines(text)
	}
	return h
}

// ownFile refuses what is not a file of the user's own: with another one, root
// could be made to write somewhere else.
func ownFile(info safepath.Info) error {
	if !info.Is(unix.S_IFREG) || info.UID != os.Geteuid() {
		return os.ErrInvalid
	}
	return nil
}

// lastOf reads the last whole lines of a file, at most limit bytes.
func lastOf(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, os.ErrInvalid)
	}
	from := max(0, info.Size()-limit)
	text, err := io.ReadAll(io.NewSectionReader(f, from, limit))
	if from > 0 {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return text, err
}

// historyFile returns a name in the directory for state (XDG Base Directory
// Specification), or "" if that belongs to another user, as it may under sudo:
// root would create files there that the owner cannot read.
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

// historyLines returns the last lines of a file. Anybody may have written it, so
// lines that are not safe to show are left out.
func historyLines(text []byte) (lines []string) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); fitForHistory(line) {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-maxHistory):]
}

// fitForHistory reports whether a line is kept. As in other shells, one that
// begins with a blank is not.
func fitForHistory(line string) bool {
	return line != "" && line[0] != ' ' && len(line) <= 4096 && utf8.ValidString(line) &&
		!strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// add adds a line, and keeps it for the next session.
func (h *history) add(line string) {
	if !fitForHistory(line) || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > maxHistory {
		h.lines = h.lines[1:]
	}
	if h.file != "" && h.keep(line) != nil {
		h.file = "" // the next line would fail too
	}
}

// keep appends the line to the file. Other processes may do so at the same time,
// or replace the file by a shorter one.
func (h *history) keep(line string) error {
	p, err := safepath.Resolve(h.file, true)
	if err != nil {
		return err
	}
	defer p.Close()
	for {
		var opened safepath.Info
		f, err := p.Open(os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600, func(info safepath.Info) error {
			opened = info
			return ownFile(info)
		})
		if err != nil {
			return err
		}
		// Not every file system has locks; without one a line may be lost.
		unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if now, err := p.Stat(); err != nil || !now.Same(opened) {
			f.Close() // replaced since it was opened
			continue
		}
		_, err = f.WriteString(line + "\n")
		if size, e := f.Seek(0, io.SeekEnd); err == nil && e == nil && size > maxHistorySize {
			err = shorten(p, f)
		}
		return errors.Join(err, f.Close())
	}
}

// shorten replaces the file, which must be locked, by its last lines.
func shorten(p *safepath.Path, f *os.File) error {
	// To half of the limit, or each line would shorten it again.
	text, err := lastOf(f, maxHistorySize/2)
	if err != nil {
		return err
	}
	var last bytes.Buffer
	for _, line := range historyLines(text) {
		last.WriteString(line + "\n")
	}
	short, name, err := p.CreateTemp() // 0600
	if err != nil {
		return err
	}
	_, err = short.Write(last.Bytes())
	if err = errors.Join(err, short.Close()); err == nil {
		err = p.Rename(name)
	}
	if err != nil {
		p.Remove(name)
	}
	return err
}
