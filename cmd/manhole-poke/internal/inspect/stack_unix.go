//go:build linux || darwin || freebsd

package inspect

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/internal/words"
	"github.com/go-manhole/lazy/stackdump"
)

// A stackLine is a line of the console's stack.
type stackLine struct {
	words  []string // what is no option
	filter stackdump.Filter
	groups int // of -n
	force  bool
}

// parseStack understands a line of the console's stack, as far as it can be
// answered from a copy, where waits and labels are not known.
func parseStack(line string) (f stackdump.Filter, groups int, ok bool) {
	l, err := parseStackLine(line)
	if err != nil || l.force || l.filter.MinWait != 0 || len(l.filter.Label) > 0 {
		return f, 0, false
	}
	for _, w := range l.words {
		if w != "full" {
			return f, 0, false
		}
	}
	return l.filter, l.groups, true
}

// parseStackLine understands a line of the console's stack.
func parseStackLine(line string) (l stackLine, err error) {
	name, rest := nextWord(line)
	given, err := words.Split(rest)
	if name != "stack" || err != nil {
		return l, cmp.Or(err, errors.New("not stack"))
	}
	f := &l.filter
	for len(given) > 0 {
		word := given[0]
		given = given[1:]
		if word == "--" {
			l.words = append(l.words, given...)
			break
		}
		option, isOption := strings.CutPrefix(word, "-")
		if !isOption {
			l.words = append(l.words, word)
			continue
		}
		option, value, inWord := strings.Cut(strings.TrimPrefix(option, "-"), "=")
		switch option {
		case "system":
			f.System = true
			continue
		case "fold-idle":
			f.FoldIdle = true
			continue
		case "force":
			l.force = true
			continue
		}
		if !inWord {
			if len(given) == 0 {
				return l, errors.New("-" + option + " needs a value")
			}
			value, given = given[0], given[1:]
		}
		switch option {
		case "state":
			f.State = append(f.State, value)
		case "not-state":
			f.NotState = append(f.NotState, value)
		case "match":
			err = appendPattern(&f.Match, value)
		case "not-match":
			err = appendPattern(&f.NotMatch, value)
		case "label":
			f.Label = append(f.Label, value)
		case "min-wait":
			var d time.Duration
			if seconds, bad := strconv.ParseUint(value, 10, 31); bad == nil {
				d = time.Duration(seconds) * time.Second
			} else {
				d, err = time.ParseDuration(value)
			}
			if err == nil && d < time.Minute {
				err = errors.New("the runtime counts waits in whole minutes; try 1m")
			}
			f.MinWait = max(f.MinWait, d)
		case "id":
			for one := range strings.SplitSeq(value, ",") {
				id, bad := strconv.ParseUint(one, 10, 64)
				f.ID, err = append(f.ID, id), cmp.Or(err, bad)
			}
		case "n":
			var n uint64
			n, err = strconv.ParseUint(value, 10, 31)
			l.groups = int(n)
		default:
			err = errors.New("no such option, or not here")
		}
		if err != nil {
			return l, errors.New("-" + option + " " + words.Show(value) + ": " + err.Error())
		}
	}
	return l, nil
}

func appendPattern(all *[]stackdump.Matcher, text string) error {
	match, err := regexp.Compile(text)
	*all = append(*all, match)
	return err
}
