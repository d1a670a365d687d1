package values

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-delve/delve/pkg/goversion"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/service/api"
	"github.com/go-manhole/lazy/stackdump"
)

// maxDepth is how many frames of a stack are read, and maxGoroutines how many
// stacks.
const (
	maxDepth      = 128
	maxGoroutines = 100_000
)

// Stacks returns the stacks of all goroutines, as they were at that time.
func (p *Program) Stacks(ctx context.Context, taken time.Time) (d *stackdump.Dump, err error) {
	err = p.guard(ctx, func() error {
		all, missing, err := p.goroutines()
		d = stackdump.New(taken, all, missing)
		return err
	})
	return d, err
}

func (p *Program) goroutines() (all []stackdump.Goroutine, missing int, err error) {
	version := goversion.ParseProducer(p.target.BinInfo().Producer())
	for next := 0; next >= 0; {
		some, after, err := proc.GoroutinesInfo(p.target, next, chunk)
		if err != nil {
			return nil, 0, plain(err)
		}
		next = after
		for _, g := range some {
			if err := p.enough(); err != nil {
				return nil, 0, err
			}
			if g.Unreadable != nil || len(all) == maxGoroutines {
				missing++
				continue
			}
			frames, _ := proc.GoroutineStacktrace(p.target, g, maxDepth, 0)
			r := stackdump.Goroutine{ID: uint64(g.ID), State: state(g, &version)}
			for _, f := range frames {
				if f.Call.Fn != nil && f.Call.Fn.Name != "runtime.goexit" {
					r.Frames = append(r.Frames, stackdump.Frame{Func: f.Call.Fn.Name, File: f.Call.File, Line: f.Call.Line})
				}
			}
			if created := g.Go(); created.Fn != nil {
				r.CreatedBy = stackdump.Frame{Func: created.Fn.Name, File: created.File, Line: created.Line}
			}
			all = append(all, r)
		}
	}
	return all, missing, nil
}

// state returns the state of a goroutine in the runtime's words.
func state(g *proc.G, version *goversion.GoVersion) string {
	switch g.Status {
	case proc.Gidle:
		return "idle"
	case proc.Grunnable:
		return "runnable"
	case proc.Grunning:
		return "running"
	case proc.Gsyscall:
		return "syscall"
	case proc.Gwaiting:
		if reason := strings.TrimSpace(api.WaitReasonString(version, g.WaitReason)); reason != "" {
			return reason
		}
		return "waiting"
	case proc.Gcopystack:
		return "copystack"
	}
	return fmt.Sprintf("status %d", g.Status)
}
