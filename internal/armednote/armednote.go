// Package armednote is what an armed process says of itself on Linux: in the
// name and the content of a memfd, which everybody sees who may read
// /proc/PID/fd.
package armednote

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-manhole/lazy/internal/sockpath"
)

// Prefix is how the memfd's name begins.
const Prefix = "lazy-armed"

// Size is the most bytes that a note has.
const Size = 4096

// maxPath is what a socket address holds on Linux, less the NUL, unix(7).
const maxPath = 107

// A Note is what the process says.
type Note struct {
	PID    int    // in its own pid namespace
	Signal int    // that rings, 1 to 64
	Path   string // of the socket: absolute, or @ and an abstract name

	// Tagged says that a tagged ring (package ringtag) is not passed on to the
	// program. Without it the process uses os/signal for its doorbell.
	Tagged bool
	// Copies says that the signal handler makes a copy of the process if it is
	// asked to by the signal (package ringtag).
	Copies bool
}

// Name returns the name for the memfd, for people; signal is the name of
// n.Signal.
func (n Note) Name(signal string) string {
	return fmt.Sprintf("%s %s %s", Prefix, signal, n.Path)
}

// Text returns the content, for programs.
func (n Note) Text(signal string) []byte {
	return fmt.Appendf(nil, "lazy=1\npid=%d\nsignal=%s\nsigno=%d\npath=%s\ntagged=%t\ncopies=%t\n", n.PID, signal, n.Signal, n.Path, n.Tagged, n.Copies)
}

// Parse reads a content back. It believes nothing: any process can have a memfd
// of that name with anything in it. Lines that it does not know are ignored.
func Parse(text []byte) (Note, error) {
	if len(text) > Size {
		return Note{}, errors.New("too long")
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			values[key] = value
		}
	}
	if v := values["lazy"]; v != "1" {
		return Note{}, fmt.Errorf("unknown version %q", v)
	}
	var n Note
	var err error
	if n.PID, err = strconv.Atoi(values["pid"]); err != nil || n.PID <= 0 {
		return Note{}, fmt.Errorf("invalid pid %q", values["pid"])
	}
	if n.Signal, err = strconv.Atoi(values["signo"]); err != nil || n.Signal < 1 || n.Signal > 64 {
		return Note{}, fmt.Errorf("invalid signo %q", values["signo"])
	}
	n.Path = values["path"]
	if !strings.HasPrefix(n.Path, "/") && !sockpath.IsAbstract(n.Path) || n.Path == "@" || len(n.Path) > maxPath || strings.ContainsFunc(n.Path, unicode.IsControl) {
		return Note{}, fmt.Errorf("invalid path %q", n.Path)
	}
	n.Tagged, n.Copies = values["tagged"] == "true", values["copies"] == "true"
	return n, nil
}
