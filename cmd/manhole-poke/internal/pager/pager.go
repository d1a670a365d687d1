// Package pager shows answers in local programs: the user's pager, or any
// command of the shell.
package pager

import (
	"bytes"
	"io"
	"os"
	"os/exec"
)

// Command returns the shell command that shows long texts: $PAGER, or less, or
// more.
func Command() string {
	if p := os.Getenv("PAGER"); p != "" {
		return p
	}
	if _, err := exec.LookPath("less"); err == nil {
		return "less"
	}
	return "more"
}

// A Buffer holds a text back while it fits on a screen, and passes it to a
// pager when it does not. It is not safe for concurrent use.
type Buffer struct {
	// Size returns the size of the screen. The text is held back if it fails.
	Size func() (columns, lines int, err error)
	// Start starts the pager. It is called at most once.
	Start func() (io.Writer, error)

	held  bytes.Buffer
	pager io.Writer
	err   error // of Start
}

// Write implements io.Writer. Its error is that of Start, or of the pager.
func (b *Buffer) Write(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.pager != nil:
		return b.pager.Write(p)
	}
	b.held.Write(p)
	columns, lines, err := b.Size()
	if err != nil || height(b.held.Bytes(), columns) < lines {
		return len(p), nil
	}
	if b.pager, b.err = b.Start(); b.err != nil {
		return 0, b.err
	}
	_, err = b.held.WriteTo(b.pager)
	return len(p), err
}

// Held returns the text that was not passed to a pager.
func (b *Buffer) Held() []byte { return b.held.Bytes() }

// height returns about how many lines text takes on a screen.
func height(text []byte, columns int) (n int) {
	for line := range bytes.Lines(text) {
		n += 1 + max(0, len(line)-1)/max(1, columns)
	}
	return n
}
