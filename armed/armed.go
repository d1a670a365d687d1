// Package armed arms the program that imports it, so that its main function can
// stay as it is:
//
//	import _ "github.com/go-manhole/lazy/armed"
//
// It acts while packages are initialised, if the environment variable
// LAZY_MANHOLE is 1 (or true, yes, on), or options separated by commas, such as
//
//	LAZY_MANHOLE=signal=USR1,path=/run/shop/manhole,idle-timeout=10m,readonly=true
//
// If the variable is unset, empty or 0 (false, no, off), the program stays
// unarmed. The options are those of package lazy, with the same defaults:
//
//	signal          the signal that rings: a name, with or without SIG, or a number
//	path            where the socket appears
//	accept-timeout  how long the socket waits for a peer, such as 30s
//	idle-timeout    how long a peer may be silent, such as 5m
//	max-duration    how long a session may last, such as 1h
//	readonly        true leaves only the commands that observe
//
// An invalid value, or an error of lazy.Arm, is reported on one line of stderr,
// and the program runs on unarmed. It also does so if
// it has rights that the caller had not (set-user-ID, set-group-ID, file
// capabilities: AT_SECURE in getauxval(3)), because then a user with fewer rights
// chose its environment.
package armed

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/access"
)

const variable = "LAZY_MANHOLE"

func init() {
	if err := arm(os.Getenv(variable)); err != nil {
		fmt.Fprintf(os.Stderr, "lazy: %s: %v; the program runs on unarmed\n", variable, strings.TrimPrefix(err.Error(), "lazy: "))
	}
}

func arm(value string) error {
	switch strings.ToLower(value) {
	case "", "0", "false", "no", "off":
		return nil
	}
	if access.Privileged() {
		return fmt.Errorf("ignored in a set-user-ID or set-group-ID program, or one with file capabilities")
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
			return nil, fmt.Errorf("%q is not key=value; set it to 1, or to pairs such as signal=USR1,idle-timeout=10m", pair)
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
		sig, err := parseSignal(v)
		if err != nil {
			return nil, fmt.Errorf("signal=%s: %w", v, err)
		}
		return lazy.WithSignal(sig), nil
	case "path":
		return lazy.WithPath(v), nil
	case "accept-timeout":
		return duration(key, v, lazy.WithAcceptTimeout)
	case "idle-timeout":
		return duration(key, v, lazy.WithIdleTimeout)
	case "max-duration":
		return duration(key, v, lazy.WithMaxDuration)
	case "readonly":
		yes, err := strconv.ParseBool(v)
		if err != nil {
			return nil, fmt.Errorf("readonly=%q is not true or false", v)
		}
		if !yes {
			return nil, nil
		}
		return lazy.WithReadOnly(), nil
	}
	return nil, fmt.Errorf("unknown option %q (valid: signal, path, accept-timeout, idle-timeout, max-duration, readonly)", key)
}

func duration(key, v string, with func(time.Duration) lazy.Option) (lazy.Option, error) {
	d, err := time.ParseDuration(v)
	if err != nil {
		return nil, fmt.Errorf("%s=%q is not a duration such as 30s, 5m or 1h", key, v)
	}
	return with(d), nil
}
