// Package tail shows what the program, this process, writes to its stdout and
// stderr from now on.
//
// If a stream leads to a regular file, the file is read and the program does not
// notice. Other destinations cannot be read back: a pipe takes the place of the
// descriptor, and a helper process passes on what is written (package tee). The
// latter works on amd64 and arm64, all of it only on Linux.
package tail

import "io"

// Config says what to show, and to whom.
type Config struct {
	// Which is "stdout", "stderr" or "both"; "" is whichever can be shown.
	Which string
	// Out gets what the program writes, and notes on lines of their own that
	// begin with "lazy: tail: ".
	Out io.Writer
	// Announce asks for a note at the beginning on each destination.
	Announce bool
	// Pause waits a moment. It is called while Open and Close wait for writes
	// of the program that are under way.
	Pause func()
}

const (
	// chunk is how much is shown at once, in bytes.
	chunk = 64 << 10
	// maxBehind is by how much the reader may be late before it misses lines.
	maxBehind = 1 << 20
)
