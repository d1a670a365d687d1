// Package answer shows the answers of several processes together: below each
// other, as one table, as merged stacks, or as lines of JSON. It knows neither
// the command line nor sessions.
package answer

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

// A Reply is what one process answered to the queries.
type Reply struct {
	PID     int    // 0 if only the path is known
	Path    string // of the socket, or ""
	Name    string // as the process calls itself, or ""
	Answers []Answer
	Err     error // why there are fewer answers than queries, or nil
}

// An Answer is the answer to one query.
type Answer struct {
	Text   []byte
	Held   *Buffer // has the text instead, until it is shown
	Failed string  // what is wrong if the command failed
}

// target is how the process was named, or could have been.
func (r *Reply) target() string {
	if r.PID != 0 {
		return strconv.Itoa(r.PID)
	}
	return printable.Line(r.Path)
}

// Title returns how messages name the process: "process 1234 (web)".
func (r *Reply) Title() string {
	if r.Name == "" {
		return "process " + r.target()
	}
	return fmt.Sprintf("process %s (%s)", r.target(), printable.Line(r.Name))
}

// failedPrefix begins the line of a failure in an answer, as in the console.
const failedPrefix = "lazy: error: "

// Outcome returns the error that the replies together deserve, or nil. Of
// several replies it reports each error on a line of stderr.
func Outcome(stderr io.Writer, replies []Reply) error {
	var silent, failed int
	var first error
	for _, r := range replies {
		switch {
		case r.Err != nil:
			silent++
			if first == nil {
				first = r.Err
			}
			if len(replies) > 1 {
				fmt.Fprintln(stderr, "manhole-poke:", printable.Line(r.Err.Error()))
			}
		case slices.ContainsFunc(r.Answers, func(a Answer) bool { return a.Failed != "" }):
			failed++
		}
	}
	switch {
	case len(replies) == 1 && first != nil:
		return first
	case silent > 0 && silent == len(replies):
		return exit.Errorf(exit.StatusOf(first), exit.ReasonOf(first), "none of %d processes answered", silent)
	case silent > 0:
		return exit.Errorf(exit.Partial, "some-did-not-answer", "%d of %d processes did not answer", silent, len(replies))
	case failed > 0:
		return exit.Errorf(exit.Command, "commands-failed", "a command failed in %d of %d processes; see the answers above", failed, len(replies))
	}
	return nil
}

// Viewer returns the tool that shows a file with the answer to line, or "".
func Viewer(line string) string {
	words := strings.Fields(line)
	switch {
	case len(words) == 0, slices.ContainsFunc(words, isText):
		return ""
	case strings.HasPrefix(words[0], "pprof"):
		return "go tool pprof"
	case words[0] == "trace":
		return "go tool trace"
	case words[0] == "core" && len(words) == 1: // a compressed one must be unpacked
		return "manhole-poke debug --core"
	}
	return ""
}

// isText reports whether an option of a profile makes it text.
func isText(word string) bool {
	option, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	return strings.HasPrefix(word, "-") && slices.Contains([]string{"top", "tree", "peek", "focus", "list"}, option)
}

// Wrote returns the message about a file with the answer to line.
func Wrote(file string, size int64, line string) string {
	text := fmt.Sprintf("wrote %s, %d bytes", file, size)
	if tool := Viewer(line); tool != "" {
		text += "; look at it with " + tool + " " + printable.Shell(file)
	}
	return text
}

// FileName returns the name of a file that is proposed for a binary answer.
func FileName(words []string) string {
	switch name := words[0]; {
	case name == "pprof" && len(words) > 1 && !strings.HasPrefix(words[1], "-"):
		return words[1] + ".pprof"
	case strings.HasPrefix(name, "pprof-"):
		return strings.TrimPrefix(name, "pprof-") + ".pprof"
	case name == "trace":
		return "trace.out"
	case name == "core" && slices.Contains(words, "-gz"):
		return "program.core.gz"
	case name == "core":
		return "program.core"
	default:
		return name + ".out"
	}
}

// IsStream reports whether the answer to line comes bit by bit without end, so
// that it has to be shown as it comes.
func IsStream(line string) bool {
	name, _, _ := strings.Cut(line, " ")
	return name == "watch" || name == "tail"
}
