// Package armed arms the program that imports it, for programs whose main
// function should stay as it is:
//
//	import _ "github.com/go-manhole/lazy/armed"
//
// It does so while packages are initialised, if the environment variable
// LAZY_MANHOLE is set to 1 (or true, yes, on), or to options as key=value
// pairs with commas between them, such as
//
//	LAZY_MANHOLE=signal=USR1,path=/run/shop/manhole,idle=10m,readonly=true
//
// Unset, empty or 0 (false, no, off), it does nothing. The keys are named after package lazy's
// options, and their defaults are the same:
//
//	signal    the signal that rings: a name, with or without SIG, or a number
//	path      where the socket appears
//	wait      how long it waits for a peer, such as 30s
//	idle      how long a silent peer may sit, such as 5m
//	longest   how long a session may last, such as 1h
//	readonly  true leaves only the commands that observe
//
// A value that is not understood, or an error of lazy.Arm, is one line on
// stderr, and the program goes on unarmed. So it does when it runs with another
// user's rights (set-user-ID), because whoever started it chose the
// environment.
package armed

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy"
)

const variable = "LAZY_MANHOLE"

func init() {
	if err := arm(os.Getenv(variable)); err != nil {
		fmt.Fprintf(os.Stderr, "lazy: %s: %v; the program goes on unarmed\n", variable, strings.TrimPrefix(err.Error(), "lazy: "))
	}
}

func arm(value string) error {
	switch strings.ToLower(value) {
	case "", "0", "false", "no", "off":
		return nil
	}
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return fmt.Errorf("ignored in a set-user-ID or set-group-ID program")
	}
	options, err := parse(value)
	if err != nil {
		return err
	}
	return lazy.Arm(options...)
}

// parse reads the value of the variable.
func parse(value string) ([]lazy.Option, error) {
	switch strings.ToLower(value) {
	case "1", "true", "yes", "on":
		return nil, nil
	}
	var options []lazy.Option
	for pair := range strings.SplitSeq(value, ",") {
		key, v, ok := strings.Cut(pair, "=")
		key, v = strings.TrimSpace(key), strings.TrimSpace(v)
		if !ok || v == "" {
			return nil, fmt.Errorf("%q is not key=value; set it to 1, or to pairs such as signal=USR1,idle=10m", pair)
		}
		o, err := option(key, v)
		if err != nil {
			return nil, err
		}
		options = append(options, o)
	}
	return options, nil
}

func option(key, v string) (lazy.Option, error) {
	switch key {
	case "signal":
		sig, err := signalByName(v)
		return lazy.WithSignal(sig), err
	case "path":
		return lazy.WithPath(v), nil
	case "wait":
		return duration(key, v, lazy.WithWait)
	case "idle":
		return duration(key, v, lazy.WithIdle)
	case "longest":
		return duration(key, v, lazy.WithLongest)
	case "readonly":
		yes, err := strconv.ParseBool(v)
		if err != nil {
			return nil, fmt.Errorf("readonly=%q is neither true nor false", v)
		}
		if !yes {
			return nil, nil
		}
		return lazy.WithReadOnly(), nil
	}
	return nil, fmt.Errorf("%q is none of signal, path, wait, idle, longest, readonly", key)
}

func duration(key, v string, with func(time.Duration) lazy.Option) (lazy.Option, error) {
	d, err := time.ParseDuration(v)
	if err != nil {
		return nil, fmt.Errorf("%s=%q is not a duration such as 30s, 5m or 1h", key, v)
	}
	return with(d), nil
}
