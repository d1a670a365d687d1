//go:build linux

package target

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/go-manhole/lazy"
	"golang.org/x/sys/unix"
)

// A Server is started in the process under test. It returns, once it accepts
// connections, the address for clients.
type Server func(Spec) (addr string, err error)

// ready is what the process says first, and the answer to a request that has
// no other.
type ready struct{ Addr, Error string }

// RunIfChild does nothing in the process that the user started. In the one
// under test it runs the server until the parent has enough, and does not
// return. It is to be called first in main.
func RunIfChild(servers map[string]Server) {
	text := os.Getenv(Environment)
	if text == "" {
		return
	}
	os.Unsetenv(Environment)
	requests, answers := os.NewFile(3, "requests"), os.NewFile(4, "answers")
	unix.CloseOnExec(3)
	unix.CloseOnExec(4)
	out := json.NewEncoder(answers)

	var log records
	var spec Spec
	addr, err := "", json.Unmarshal([]byte(text), &spec)
	if err == nil {
		addr, err = run(spec, servers, &log)
	}
	if err != nil {
		out.Encode(ready{Error: err.Error()})
		os.Exit(1)
	}
	out.Encode(ready{Addr: addr})

	var churn churn
	for in := bufio.NewScanner(requests); in.Scan(); {
		switch in.Text() {
		case "count":
			out.Encode(here(&log, &churn))
		case "churn":
			churn.start()
			out.Encode(ready{})
		case "calm":
			churn.stop()
			out.Encode(ready{})
		}
	}
	os.Exit(0)
}

func run(spec Spec, servers map[string]Server, log *records) (addr string, err error) {
	server := servers[spec.Server]
	if server == nil {
		return "", fmt.Errorf("unknown server %q", spec.Server)
	}
	if spec.Armed {
		if err := lazy.Arm(lazy.WithPath(spec.Socket()), lazy.WithLogger(slog.New(log))); err != nil {
			return "", err
		}
	}
	return server(spec)
}

// here is the part of the counts that only the process itself knows.
func here(log *records, churn *churn) Counts {
	var c Counts
	c.Goroutines = runtime.NumGoroutine()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err == nil {
		c.CPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.Collections = int(m.NumGC)
	c.Executed, c.ExecFailed = churn.executed.Load(), churn.failed.Load()
	c.Toggled, c.Notified = churn.toggled.Load(), churn.notified.Load()
	c.Log = log.counts()
	return c
}

// records is a handler for log records that counts them, by level, message and
// kind of session, and keeps none.
type records struct {
	mu    sync.Mutex
	count map[string]int
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithGroup(string) slog.Handler            { return r }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }

func (r *records) Handle(_ context.Context, record slog.Record) error {
	key := record.Level.String() + " " + record.Message
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "kind" {
			key += ", " + a.Value.String()
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = map[string]int{}
	}
	r.count[key]++
	return nil
}

func (r *records) counts() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := make(map[string]int, len(r.count))
	for k, v := range r.count {
		c[k] = v
	}
	return c
}
