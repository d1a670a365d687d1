// Package args reads the arguments of the console's commands. Which options a
// command has is data (frame.Option); nothing here knows a command.
package args

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/pattern"
	"github.com/go-manhole/lazy/internal/words"
)

// Parsed is the arguments of a command. The methods that read an option record
// the first error for [Parsed.Err], and return the zero value of an option that
// was not given.
type Parsed struct {
	Words []string // what is no option, in order
	Given []string // all of it, as it was
	given map[string][]string
	err   error
}

// Parse takes the options out of args, wherever they are: -name value or
// -name=value, with one dash or two. A negative number is a word, and so is
// everything after "--". Of an option given more than once the last value counts,
// except for the methods that return all.
func Parse(args []string, options []frame.Option) (*Parsed, error) {
	p := &Parsed{Given: args, given: map[string][]string{}}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			p.Words = append(p.Words, args...)
			break
		}
		name, isOption := strings.CutPrefix(arg, "-")
		if !isOption || name == "" || name[0] >= '0' && name[0] <= '9' {
			p.Words = append(p.Words, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		o, ok := find(options, name)
		switch {
		case !ok && strings.Contains(name, " "):
			first, rest, _ := strings.Cut(name, " ")
			return nil, fmt.Errorf("the quotes make %s one word; try -%s", words.Show(arg), words.Join(first, rest))
		case !ok:
			return nil, fmt.Errorf("unknown option -%s (%s)", words.Show(name), valid(options))
		case o.Arg == "" && given:
			return nil, fmt.Errorf("-%s takes no value", name)
		case o.Arg == "" || given:
		case len(args) == 0:
			return nil, fmt.Errorf("-%s needs a value", name)
		default:
			value, args = args[0], args[1:]
		}
		p.given[name] = append(p.given[name], value)
	}
	return p, nil
}

func find(options []frame.Option, name string) (frame.Option, bool) {
	for _, o := range options {
		if o.Name == name {
			return o, true
		}
	}
	return frame.Option{}, false
}

func valid(options []frame.Option) string {
	if len(options) == 0 {
		return "it takes none"
	}
	var names []string
	for _, o := range options {
		names = append(names, "-"+o.Name)
	}
	return "valid: " + strings.Join(names, ", ")
}

// Err returns the first error of the methods called so far.
func (p *Parsed) Err() error { return p.err }

// NoWords returns an error if there are words.
func (p *Parsed) NoWords() error {
	if len(p.Words) > 0 {
		return errors.New("takes no arguments")
	}
	return nil
}

// AtMost returns an error if there are more than n words; hint says what to do.
func (p *Parsed) AtMost(n int, hint string) error {
	if len(p.Words) > n {
		return fmt.Errorf("unexpected argument %s; %s", words.Show(p.Words[n]), hint)
	}
	return nil
}

// Flag reports whether the option without value was given.
func (p *Parsed) Flag(name string) bool {
	_, given := p.given[name]
	return given
}

// Text returns the value of the option.
func (p *Parsed) Text(name string) string {
	if all := p.given[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// Texts returns all values of the option.
func (p *Parsed) Texts(name string) []string { return p.given[name] }

// Count returns the value of the option as a positive number.
func (p *Parsed) Count(name string) int {
	var n int
	p.read(name, func(v string) (err error) { n, err = Count(v); return err })
	return n
}

// IDs returns all values of the option as ids of goroutines. A value may be
// several, with commas between.
func (p *Parsed) IDs(name string) (ids []uint64) {
	p.readAll(name, func(v string) error {
		for one := range strings.SplitSeq(v, ",") {
			id, err := strconv.ParseUint(one, 10, 64)
			if err != nil || id == 0 {
				return errors.New("not the number of a goroutine")
			}
			ids = append(ids, id)
		}
		return nil
	})
	return ids
}

// Pattern returns the value of the option as a regular expression, or nil if it
// was not given.
func (p *Parsed) Pattern(name string) (match *pattern.Pattern) {
	p.readAll(name, func(v string) (err error) {
		match, err = pattern.Compile(v)
		return err
	})
	return match
}

// Patterns returns all values of the option as regular expressions.
func (p *Parsed) Patterns(name string) (all []interface{ MatchString(string) bool }) {
	p.readAll(name, func(v string) error {
		match, err := pattern.Compile(v)
		all = append(all, match)
		return err
	})
	return all
}

// Longest returns the longest value of the option as [Duration] does. Each must be
// at least min; why says so otherwise.
func (p *Parsed) Longest(name string, min time.Duration, why string) (longest time.Duration) {
	p.readAll(name, func(v string) error {
		d, err := Duration(v)
		if err == nil && d < min {
			err = errors.New(why)
		}
		longest = max(longest, d)
		return err
	})
	return longest
}

func (p *Parsed) read(name string, parse func(v string) error) {
	if all := p.given[name]; len(all) > 0 {
		p.readOne(name, all[len(all)-1], parse)
	}
}

func (p *Parsed) readAll(name string, parse func(v string) error) {
	for _, v := range p.given[name] {
		p.readOne(name, v, parse)
	}
}

func (p *Parsed) readOne(name, v string, parse func(v string) error) {
	if err := parse(v); err != nil && p.err == nil {
		p.err = fmt.Errorf("-%s %s: %w", name, words.Show(v), err)
	}
}

// WordPattern returns the only word as a regular expression, nil, which matches
// everything, if there is none.
func (p *Parsed) WordPattern() (*pattern.Pattern, error) {
	if err := p.AtMost(1, "put a pattern with blanks in quotes"); err != nil {
		return nil, err
	}
	if len(p.Words) == 0 {
		return nil, nil
	}
	match, err := pattern.Compile(p.Words[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", words.Show(p.Words[0]), err)
	}
	return match, nil
}

// WordDuration returns the word at i as [Duration] does, or otherwise if there
// is none.
func (p *Parsed) WordDuration(i int, otherwise time.Duration) (time.Duration, error) {
	if i >= len(p.Words) {
		return otherwise, nil
	}
	d, err := Duration(p.Words[i])
	if err != nil {
		return 0, fmt.Errorf("%s: %w", words.Show(p.Words[i]), err)
	}
	return d, nil
}

// Count reads a positive number.
func Count(v string) (int, error) {
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil || n == 0 {
		return 0, errors.New("not a positive number")
	}
	return int(n), nil
}

// Duration reads a positive duration: "1m30s", or a number of seconds.
func Duration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if seconds, bad := strconv.ParseFloat(v, 64); bad == nil && math.Abs(seconds) < 1e9 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil {
		return 0, errors.New("not a duration; try 10 (seconds), 500ms or 1m30s")
	}
	if d <= 0 {
		return 0, errors.New("must be positive")
	}
	return d, nil
}

// Bytes reads a size with its unit: "512MiB", "1.5G", "1073741824B". Units are
// powers of 1024, as in GOMEMLIMIT. The error follows the value in a sentence.
func Bytes(v string) (int64, error) {
	upper := strings.ToUpper(v)
	digits := strings.TrimRight(upper, "KMGTIB")
	unit := upper[len(digits):]
	n, err := strconv.ParseFloat(digits, 64)
	if err == nil && unit == "" && n > 0 {
		return 0, fmt.Errorf("has no unit; try %sMiB, %sGiB, or %sB if it is bytes", v, v, v)
	}
	power, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[strings.TrimSuffix(strings.TrimSuffix(unit, "B"), "I")]
	if size := math.Ldexp(n, power); ok && err == nil && size >= 1 && size < math.MaxInt64 {
		return int64(size), nil
	}
	return 0, errors.New("is not a size; try 512MiB or 2GiB")
}
