package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// What gops takes its time for, and what block and mutex are given.
const (
	cpuTime   = 30 * time.Second
	traceTime = 5 * time.Second
	blockTime = 10 * time.Second
)

// pprofHeap, pprofCPU and profiles (pprof NAME) answer with a file for go tool
// pprof, or with its largest entries if -top is given.

func pprofHeap(ctx context.Context, s *session, args []string) error {
	return profiles(ctx, s, append([]string{"heap"}, args...))
}

func pprofCPU(ctx context.Context, s *session, args []string) error {
	return profiles(ctx, s, append([]string{"cpu"}, args...))
}

func profiles(ctx context.Context, s *session, args []string) error {
	var t topOptions
	var rate int
	words, err := parse(args, flag("top", &t.wanted), flag("cum", &t.cumulative), count("n", &t.entries), count("rate", &rate))
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return listProfiles(s)
	}
	name := words[0]
	taken := takes(name)
	if taken == 0 && pprof.Lookup(name) == nil {
		return fmt.Errorf("no profile %s; pprof lists them", show(name))
	}
	switch {
	case len(words) > 2:
		return fmt.Errorf("%s is one word too many; try help pprof", show(words[2]))
	case len(words) == 2 && taken == 0:
		return fmt.Errorf("%s is taken at once, not for %s", name, show(words[1]))
	case s.cfg.ReadOnly && (rate != 0 || name == "goroutineleak"):
		return errReadOnly // the one switches sampling off afterwards, the other collects garbage
	case rate != 0 && name != "block":
		return errors.New("-rate is for block; see help pprof")
	case len(words) == 2:
		if taken, err = duration(words[1]); err != nil {
			return fmt.Errorf("%s: %w", show(words[1]), err)
		}
	}
	if s.typed() && !t.wanted {
		command := append([]string{"pprof"}, args...)
		if name == "cpu" || name == "heap" {
			command = append([]string{"pprof-" + args[0]}, args[1:]...)
		}
		return s.refuseBinary(command, name, ".pprof", "go tool pprof", "; or add -top to read the largest entries here")
	}
	out := io.Writer(s.out)
	var before, after bytes.Buffer
	if t.wanted {
		out = &after
		if name == "block" { // of nothing else is there much
			t.except = s.cfg.OwnGoroutine
		}
		if name == "block" || name == "mutex" {
			// These two count since the process began.
			if err := pprof.Lookup(name).WriteTo(&before, 0); err != nil {
				return err
			}
		}
	}
	p := s.countdown("pprof " + name)
	switch name {
	case "cpu":
		err = cpuProfile(ctx, out, taken, p)
	case "block":
		err = blockProfile(ctx, s, out, taken, rate, p)
	case "mutex":
		err = mutexProfile(ctx, out, taken, p)
	default:
		err = pprof.Lookup(name).WriteTo(out, 0)
	}
	if err != nil || !t.wanted {
		return err
	}
	if (name == "heap" || name == "allocs") && runtime.MemProfileRate <= 0 {
		s.out.WriteString("the program takes no samples of what it allocates (runtime.MemProfileRate is 0), so little or nothing is here; memstats counts all\n")
	}
	return top(s.out, before.Bytes(), after.Bytes(), t)
}

// takes returns how long a profile is collected unless another time is asked
// for; 0 means that it is there already.
func takes(name string) time.Duration {
	switch name {
	case "cpu":
		return cpuTime
	case "block", "mutex":
		return blockTime
	}
	return 0
}

func listProfiles(s *session) error {
	fmt.Fprintf(s.out, "%-16s for %s\n", "cpu", cpuTime)
	for _, p := range pprof.Profiles() {
		if d := takes(p.Name()); d != 0 {
			fmt.Fprintf(s.out, "%-16s for %s\n", p.Name(), d)
		} else {
			fmt.Fprintf(s.out, "%-16s %d\n", p.Name(), p.Count())
		}
	}
	return nil
}

// cpuProfile writes a CPU profile of d.
//
// The profile is collected before it is sent: runtime/pprof holds its lock
// while it writes, and the program's own use of it must not wait for a slow
// peer. The runtime keeps the whole of it in memory anyhow.
func cpuProfile(ctx context.Context, w io.Writer, d time.Duration, p *countdown) error {
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		return fmt.Errorf("%w; the program profiles itself: try again when it has ended", err)
	}
	err := func() error {
		defer pprof.StopCPUProfile() // also after a panic
		return p.wait(ctx, d)
	}()
	if err != nil {
		return err
	}
	_, err = w.Write(profile.Bytes())
	return err
}

// refuseBinary tells a person at a terminal how to get what would only spoil
// it, into a file whose name has that extension.
func (s *session) refuseBinary(words []string, name, extension, tool, or string) error {
	pid := os.Getpid()
	path, sig := s.cfg.Path, s.cfg.Signal
	if path == "" {
		path = fmt.Sprintf("/tmp/manhole-%d", pid)
	}
	poke := ""
	if sig == "" {
		sig = "USR2"
	} else if sig != "USR2" {
		poke = "-s " + sig + " "
	}
	for i, w := range words {
		words[i] = quoted(w) // as split takes it
	}
	line := quoted(strings.Join(words, " "))
	if !strings.HasPrefix(line, "'") {
		line = "'" + line + "'"
	}
	file := fileName(name) + extension
	lines := fmt.Sprintf("lazy:   kill -%s %d && echo %s | nc -N -U %s > %s\nlazy:   echo %s | manhole-poke %s%d > %s\n",
		sig, pid, line, quoted(path), file, line, poke, pid, file)
	if tool != "" {
		lines += "lazy: then " + tool + " " + file + "\n"
	}
	return &refusal{"binary, not for a terminal; quit, and fetch it with one of the lines below" + or, lines}
}

// fileName is the last part of a name, as far as a shell and a file system take
// it as it is.
func fileName(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	return strings.Map(func(r rune) rune {
		if plain(r) {
			return r
		}
		return '_'
	}, strings.TrimLeft(name, "-."))
}

// quoted is a word as a shell, and split, take it for one.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) && r != '/' }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plain reports whether a rune means nothing to a shell, in a word.
func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._+@:=%", r)
}

// refusal is an error with lines that say how to do it instead.
type refusal struct{ what, lines string }

func (r *refusal) Error() string { return r.what }
