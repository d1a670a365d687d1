//go:build linux || darwin || freebsd

package inspect

import (
	"cmp"
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
		case "-fold-idle":
			f.FoldIdle = true
			continue
		case "-state", "-not-state", "-match", "-not-match", "-id", "-n":
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
			f.State = append(f.State, value)
		case "-not-state":
			f.NotState = append(f.NotState, value)
		case "-match":
			err = appendPattern(&f.Match, value)
		case "-not-match":
			err = appendPattern(&f.NotMatch, value)
		case "-id":
			for one := range strings.SplitSeq(value, ",") {
				id, bad := strconv.ParseUint(one, 10, 64)
				f.ID, err = append(f.ID, id), cmp.Or(err, bad)
			}
		case "-n":
			groups, err = strconv.Atoi(value)
		}
		if err != nil || groups < 0 {
			return f, 0, false
		}
	}
	return f, groups, true
}

func appendPattern(all *[]stackdump.Matcher, text string) error {
	match, err := regexp.Compile(text)
	*all = append(*all, match)
	return err
}
