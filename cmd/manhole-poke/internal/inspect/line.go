package inspect

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/values"
	"github.com/go-manhole/lazy/internal/words"
)

// A question is a line that was understood.
type question struct {
	name   string
	rest   string // what follows the options, as typed: the expression
	at     values.Place
	limits values.Limits

	match    *regexp.Regexp // of globals
	variable string         // of set
	value    string
}

var errNoID = errors.New("-id N is missing; stack full shows the ids of the goroutines")

// parse understands a line. Options may come before the expression only, as
// there is no telling what is one in an expression.
func parse(line string) (q question, err error) {
	q = question{limits: values.DefaultLimits, at: values.Place{Frame: values.OfProgram}}
	q.name, line = nextWord(line)
	frame := false
	for {
		word, rest := nextWord(line)
		if word == "--" {
			line = rest
			break
		}
		option, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
		if !strings.HasPrefix(word, "-") || !takes(q.name, option) {
			break
		}
		if line = rest; !given {
			value, line = nextWord(line)
		}
		switch option {
		case "id":
			q.at.Goroutine, err = positive(option, value, 1<<62)
		case "frame":
			var n int64
			if n, err = number(option, value, 0, 1_000_000); err == nil {
				q.at.Frame, frame = int(n), true
			}
		case "depth":
			err = limit(&q.limits.Depth, option, value, values.MaxLimits.Depth)
		case "strings":
			err = limit(&q.limits.String, option, value, values.MaxLimits.String)
		case "len":
			err = limit(&q.limits.Len, option, value, values.MaxLimits.Len)
		}
		if err != nil {
			return q, err
		}
	}
	q.rest = strings.TrimSpace(line)
	if frame && q.at.Goroutine == 0 {
		return q, errNoID
	}
	return q, q.complete()
}

// takes reports whether a command has an option.
func takes(name, option string) bool {
	for _, c := range Commands() {
		if c.Name == name {
			for _, o := range c.Options {
				if o.Name == option {
					return true
				}
			}
		}
	}
	return false
}

func (q *question) complete() (err error) {
	switch q.name {
	case "print", "whatis":
		if q.rest == "" {
			return errors.New("an expression is missing; try " + q.name + " main.x, or globals for a list")
		}
	case "locals":
		if q.at.Goroutine == 0 {
			return errNoID
		}
		if q.rest != "" {
			return fmt.Errorf("unexpected %s; try locals -id N -frame K", words.Show(q.rest))
		}
	case "globals":
		return q.completeGlobals()
	case "set":
		given, err := words.Split(q.rest)
		if err != nil {
			return err
		}
		if len(given) < 2 || given[0] == "" || given[1] == "" {
			return errors.New("a variable and a value are needed; try set main.verbose true")
		}
		q.variable, q.value = given[0], strings.Join(given[1:], " ")
	}
	return nil
}

// completeGlobals takes options after the expression too, as it is a word.
func (q *question) completeGlobals() error {
	given, err := words.Split(q.rest)
	if err != nil {
		return err
	}
	pattern := `^main\.`
	if len(given) > 0 && !strings.HasPrefix(given[0], "-") {
		pattern, given = given[0], given[1:]
		if len(given) > 0 {
			more := question{}
			if !strings.HasPrefix(given[0], "-") {
				return fmt.Errorf("unexpected %s; one regular expression is enough", words.Show(given[0]))
			}
			if more, err = parse("globals " + words.Join(given...)); err != nil {
				return err
			}
			q.limits, given = more.limits, nil
		}
	}
	if len(given) > 0 {
		return fmt.Errorf("there is no option %s; try -depth, -strings or -len", words.Show(given[0]))
	}
	if q.match, err = regexp.Compile(pattern); err != nil {
		return fmt.Errorf("%v; quote what means itself: globals main\\.x", err)
	}
	q.rest = ""
	return nil
}

// nextWord returns the first word of s, and what follows it.
func nextWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t\r")
	if i := strings.IndexAny(s, " \t\r"); i >= 0 {
		return s[:i], strings.TrimLeft(s[i:], " \t\r")
	}
	return s, ""
}

func limit(to *int, option, value string, most int) error {
	n, err := positive(option, value, int64(most))
	if err == nil {
		*to = int(n)
	}
	return err
}

func positive(option, value string, most int64) (int64, error) {
	return number(option, value, 1, most)
}

func number(option, value string, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("-%s takes a number from %d to %d, not %s", option, least, most, words.Show(value))
	}
	return n, nil
}
