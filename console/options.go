package console

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// option is one -name of a command, with a value unless flag is set.
type option struct {
	name string
	flag *bool
	set  func(value string) error
}

// parse takes the options out of args, wherever they stand: -name value,
// -name=value, with one dash or two. What is left are the other words. A
// negative number is a word, and so is everything behind "--".
func parse(args []string, options ...option) (words []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return append(words, args...), nil
		}
		name, isOption := strings.CutPrefix(arg, "-")
		if !isOption || name == "" || name[0] >= '0' && name[0] <= '9' {
			words = append(words, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		o, ok := pick(options, name)
		switch {
		case !ok:
			return nil, fmt.Errorf("no option -%s; %s", show(name), known(options))
		case o.flag != nil && given:
			return nil, fmt.Errorf("-%s takes no value", name)
		case o.flag != nil:
			*o.flag = true
			continue
		case !given && len(args) == 0:
			return nil, fmt.Errorf("-%s needs a value", name)
		case !given:
			value, args = args[0], args[1:]
		}
		if err := o.set(value); err != nil {
			return nil, fmt.Errorf("-%s %s: %w", name, show(value), err)
		}
	}
	return words, nil
}

func pick(options []option, name string) (option, bool) {
	for _, o := range options {
		if o.name == name {
			return o, true
		}
	}
	return option{}, false
}

func known(options []option) string {
	if len(options) == 0 {
		return "it takes none"
	}
	var names []string
	for _, o := range options {
		names = append(names, "-"+o.name)
	}
	return "there are " + strings.Join(names, ", ")
}

func flag(name string, p *bool) option { return option{name: name, flag: p} }

func text(name string, p *string) option {
	return option{name: name, set: func(v string) error { *p = v; return nil }}
}

func count(name string, p *int) option {
	return option{name: name, set: func(v string) error {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil || n == 0 {
			return errors.New("not a number from 1 on")
		}
		*p = int(n)
		return nil
	}}
}

func pattern(name string, p **regexp.Regexp) option {
	return option{name: name, set: func(v string) (err error) {
		*p, err = regexp.Compile(v)
		return err
	}}
}

// duration reads "1m30s", or a number of seconds.
func duration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if seconds, bad := strconv.ParseFloat(v, 64); bad == nil && math.Abs(seconds) < 1e9 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil {
		return 0, errors.New("not a duration; try 10 (seconds), 500ms or 1m30s")
	}
	if d <= 0 {
		return 0, errors.New("must be longer than nothing")
	}
	return d, nil
}

// bytesOf reads "1073741824", "512MiB", "1.5G": powers of 1024, as GOMEMLIMIT.
func bytesOf(v string) (int64, error) {
	digits := strings.TrimRight(strings.ToUpper(v), "KMGTIB")
	unit := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(v)[len(digits):], "B"), "I")
	power, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[unit]
	n, err := strconv.ParseFloat(digits, 64)
	if size := math.Ldexp(n, power); ok && err == nil && size >= 1 && size < math.MaxInt64 {
		return int64(size), nil
	}
	return 0, errors.New("not a size; try 512MiB or 2GiB")
}
