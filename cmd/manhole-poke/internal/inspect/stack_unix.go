//go:build linux || darwin || freebsd

package inspect

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/internal/words"
	"github.com/go-manhole/lazy/stackdump"
)

// parseStack understands a line of the console's stack, as far as it can be
// answered from a copy, where waits and labels are not known.
func parseStack(line string) (f stackdump.Filter, groups int, ok bool) {
	name, rest := nextWord(line)
	given, err := words.Split(rest)
	if name != "stack" || err != nil {
		return f, 0, false
	}
	for len(given) > 0 {
		word := given[0]
		given = given[1:]
		option, value, inWord := strings.Cut(strings.Replace(word, "--", "-", 1), "=")
		switch option {
		case "full":
			continue
		case "-system":
			f.System = true
			continue
		case "-state", "-match", "-id", "-n":
		default:
			return f, 0, false
		}
		if !inWord {
			if len(given) == 0 {
				return f, 0, false
			}
			value, given = given[0], given[1:]
		}
		switch option {
		case "-state":
			f.State = value
		case "-match":
			f.Match, err = regexp.Compile(value)
		case "-id":
			f.ID, err = strconv.ParseUint(value, 10, 64)
		case "-n":
			groups, err = strconv.Atoi(value)
		}
		if err != nil || groups < 0 {
			return f, 0, false
		}
	}
	return f, groups, true
}
