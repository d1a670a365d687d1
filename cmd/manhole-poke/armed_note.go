package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// armedNoteMax is more than any note can need: four short lines and a path.
const armedNoteMax = 4096

// An armedNote is what an armed process says of itself.
type armedNote struct {
	pid    int // in its own pid namespace
	signal int
	path   string // absolute, or @ and the name of a socket without a file
}

// parseArmedNote believes nothing: any process may hold a descriptor of that
// name with anything in it.
func parseArmedNote(text []byte) (armedNote, error) {
	if len(text) > armedNoteMax {
		return armedNote{}, errors.New("too long")
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if ok {
			values[key] = value
		}
	}
	if v := values["lazy"]; v != "1" {
		return armedNote{}, fmt.Errorf("version %q is not known", v)
	}
	var n armedNote
	var err error
	if n.pid, err = strconv.Atoi(values["pid"]); err != nil || n.pid <= 0 {
		return armedNote{}, fmt.Errorf("pid %q", values["pid"])
	}
	if n.signal, err = strconv.Atoi(values["signo"]); err != nil || n.signal < 1 || n.signal > 64 {
		return armedNote{}, fmt.Errorf("signo %q", values["signo"])
	}
	n.path = values["path"]
	if !strings.HasPrefix(n.path, "/") && !strings.HasPrefix(n.path, "@") || n.path == "@" || len(n.path) > procfs.MaxPath || strings.ContainsFunc(n.path, unicode.IsControl) {
		return armedNote{}, fmt.Errorf("path %q", n.path)
	}
	return n, nil
}
