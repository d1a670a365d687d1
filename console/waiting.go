package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/go-manhole/lazy/console/internal/fds"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/pollfd"
	"github.com/go-manhole/lazy/stackdump"
)

// A waiter is a goroutine that waits on a descriptor.
type waiter struct {
	id    uint64
	group *stackdump.Group
}

// perWaiter is what one takes while fds runs, in bytes, with the capture's part.
const perWaiter = 128

// waiting returns which goroutines wait on a descriptor, for fds. It takes a full
// capture; unless who is set, only where that stops the world for a moment. Without
// one, note says why.
func waiting(ctx context.Context, s *session, who bool) (on func(fd int) string, note string, err error) {
	n := runtime.NumGoroutine()
	if n > stackdump.DefaultLimit && !who {
		return nil, fmt.Sprintf("which of the %d goroutines wait on them takes a stop of the world for about %s; try fds -who", n, stackdump.Estimate(n)), nil
	}
	var reader pollfd.Reader
	defer reader.Close()
	err = reader.Open()
	if err == nil {
		err = afford("to find who waits on descriptors", int64(n)*perWaiter+someNeed)
	}
	if err != nil {
		return nil, "which goroutines wait on them is not known, because " + err.Error(), nil
	}
	if who {
		s.announceStop()
	}
	dump, err := stackdump.Capture(ctx, stackdump.Options{Full: true, SkipFunc: mark.Func})
	switch {
	case short(err):
		return nil, "which goroutines wait on them is not known, because " + err.Error(), nil
	case err != nil:
		return nil, "", err
	}
	waiters, unknown := map[int][]waiter{}, dump.Missing
	for i := range dump.Groups {
		g := &dump.Groups[i]
		for j, id := range g.IDs {
			fd, ok := descriptorOf(&reader, g, g.Object(j))
			if ok {
				waiters[fd] = append(waiters[fd], waiter{id, g})
			} else if g.WaitsOn() == "descriptor" {
				unknown++
			}
		}
	}
	if unknown > 0 {
		note = fmt.Sprintf("of %d goroutines it is not known whether and where they wait", unknown)
	}
	program := mainModule()
	return func(fd int) string { return waitersText(waiters[fd], program) }, note, nil
}

// descriptorOf returns the descriptor that a goroutine of the group waits on.
func descriptorOf(r *pollfd.Reader, g *stackdump.Group, object uint64) (fd int, ok bool) {
	switch {
	case object == 0 || g.WaitsOn() != "descriptor":
		return 0, false
	case g.State == "syscall" && object <= stackdump.MaxDescriptor:
		return pollfd.Opened(uintptr(object))
	}
	return r.FD(object)
}

// waitersText names the first three.
func waitersText(all []waiter, program string) string {
	var b strings.Builder
	for i, w := range all[:min(3, len(all))] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "goroutine %d %s (%s)", w.id, doing(w.group.Frames), caller(w.group.Frames, program))
	}
	if more := len(all) - 3; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// doing says what a goroutine does with a descriptor.
func doing(frames []stackdump.Frame) string {
	for _, f := range frames {
		_, method, ok := strings.Cut(f.Func, ".(*FD).")
		if !ok {
			if method, ok = strings.CutPrefix(f.Func, "syscall."); !ok {
				continue
			}
		}
		switch method = strings.ToLower(method); {
		case strings.Contains(method, "read"), strings.Contains(method, "recv"):
			return "reads"
		case strings.Contains(method, "write"), strings.Contains(method, "send"):
			return "writes"
		case strings.Contains(method, "accept"):
			return "accepts"
		}
	}
	return "waits"
}

// caller returns the innermost function of a stack that is not the standard
// library's, or the outermost if there is none.
func caller(frames []stackdump.Frame, program string) string {
	outermost := ""
	for _, f := range frames {
		if f.File == "" {
			continue
		}
		outermost = f.Func
		first, _, path := strings.Cut(f.Func, "/")
		if !path {
			first, _, _ = strings.Cut(f.Func, ".")
		}
		if first == "main" || strings.Contains(first, ".") || program != "" && strings.HasPrefix(f.Func, program) {
			return f.Func
		}
	}
	return outermost
}

func mainModule() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Path
	}
	return ""
}

// descriptorNames returns a function for stackdump to name the descriptors that
// the goroutines of a group wait on, and another to call when that is no longer needed.
func descriptorNames() (name func(g *stackdump.Group, object uint64) string, done func()) {
	var reader pollfd.Reader
	return func(g *stackdump.Group, object uint64) string {
		if err := reader.Open(); err != nil {
			if errors.Is(err, errors.ErrUnsupported) {
				return ""
			}
			return "not known, because " + err.Error()
		}
		fd, ok := descriptorOf(&reader, g, object)
		if !ok {
			return ""
		}
		return fmt.Sprintf("%d (%s)", fd, fds.Name(fd))
	}, reader.Close
}
