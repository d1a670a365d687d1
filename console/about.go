package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/console/internal/redact"
	"github.com/go-manhole/lazy/internal/words"
)

func buildinfo(_ context.Context, s *session, a *args.Parsed) error {
	if err := a.NoWords(); err != nil {
		return err
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("the program was built without module information")
	}
	_, err := io.WriteString(s.out, info.String())
	return err
}

// environment lists the environment of the process, with secrets masked.
func environment(_ context.Context, s *session, a *args.Parsed) error {
	match, err := a.WordPattern()
	if err != nil {
		return err
	}
	vars := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return !match.MatchString(name)
	})
	slices.Sort(vars)
	size := 0
	for _, v := range vars {
		size += len(v)
	}
	if err := afford("the environment", int64(envFactor*size)+someNeed); err != nil {
		return fmt.Errorf("%w; try env NAME for one variable", err)
	}
	masked := 0
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		if clean := redact.Value(name, value); clean != value && !a.Flag("secrets") {
			masked++
			value = clean
		}
		fmt.Fprintf(s.out, "%s=%s\n", format.Printable(name), format.Printable(value))
	}
	if len(vars) == 0 && len(a.Words) > 0 {
		return fmt.Errorf("no variable matches %s", words.Show(a.Words[0]))
	}
	if masked > 0 {
		s.say("lazy: %d masked with %s; env -secrets shows them\n", masked, redact.Mask)
	}
	return nil
}

// godebug shows the settings, and how often each non-default one had an effect.
func godebug(_ context.Context, s *session, a *args.Parsed) error {
	if err := a.NoWords(); err != nil {
		return err
	}
	format.Field(s.out, "GODEBUG", format.Printable(os.Getenv("GODEBUG")))
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, b := range info.Settings {
			if b.Key == "DefaultGODEBUG" {
				format.Field(s.out, "built with", b.Value)
			}
		}
	}
	var samples []metrics.Sample
	const prefix, unit = "/godebug/non-default-behavior/", ":events"
	for _, d := range metrics.All() {
		if strings.HasPrefix(d.Name, prefix) {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	if len(samples) == 0 {
		return nil
	}
	metrics.Read(samples)
	for _, m := range samples {
		if m.Value.Kind() == metrics.KindUint64 && m.Value.Uint64() > 0 {
			name := strings.TrimSuffix(strings.TrimPrefix(m.Name, prefix), unit)
			fmt.Fprintf(s.out, "%s changed the behaviour %d times\n", name, m.Value.Uint64())
		}
	}
	return nil
}
