// Package outfile writes files that get their name when they are complete: an
// existing file is not lost to a write that fails half-way, and nobody takes
// half a file for a whole one.
//
// A file that is overwritten is replaced by a new one in the same directory,
// with its mode and, where permitted, its owner. If the name is a symlink, the
// file that it leads to is replaced. Other hard links keep the old content.
// Without permission to overwrite, a file that somebody else creates before
// [File.Commit] is left alone.
//
// Pipes and devices cannot be replaced; they are written to directly. An
// existing regular file is never written to.
package outfile

import (
	"path/filepath"
	"strings"
)

// InsertBeforeExt returns name with part before its extension:
// "heap.pprof" and "12" make "heap.12.pprof".
func InsertBeforeExt(name, part string) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + part + ext
}
