//go:build linux

package target

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Counts is what a process has and has done.
type Counts struct {
	Goroutines int
	CPU        time.Duration // user and system time of the process, without its children
	Log        map[string]int

	// What the churn did.
	Collections          int
	Executed, ExecFailed int64
	Toggled, Notified    int64

	// Looked up from outside.
	Descriptors, Threads int
	Files                []string
}

func (c *Counts) lookUp(p *Process) error {
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID))
	if err != nil {
		return err
	}
	c.Descriptors = len(fds)
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.PID))
	if err != nil {
		return err
	}
	c.Threads = len(tasks)
	c.Files, err = files(p)
	return err
}

// files lists what the process may have left somewhere: all in its directory,
// what is named after it where sockets and temporary files usually are, and
// names in the abstract namespace.
func files(p *Process) (found []string, err error) {
	err = filepath.WalkDir(p.Spec.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			found = append(found, path)
		}
		return nil // what goes away during the walk is not there
	})
	pid := fmt.Sprint(p.PID)
	for _, dir := range []string{"/tmp", "/dev/shm"} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), "-"+pid) {
				found = append(found, filepath.Join(dir, e.Name()))
			}
		}
	}
	sockets, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(sockets)) {
		if _, name, ok := strings.Cut(line, " @"); ok && strings.HasSuffix(strings.TrimSpace(name), "-"+pid) {
			found = append(found, "@"+strings.TrimSpace(name))
		}
	}
	slices.Sort(found)
	return found, err
}

// Settle counts until the process is as it was before, but for no longer than
// limit. It returns the last counts, and what differs from before.
func (p *Process) Settle(before Counts, limit time.Duration) (after Counts, differences []string, err error) {
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if after, err = p.Count(); err != nil {
			return after, nil, err
		}
		if differences = before.differences(after); len(differences) == 0 || time.Since(start) > limit {
			return after, differences, nil
		}
	}
}

// differences says what is left behind. Fewer of anything is no difference,
// since the runtime may end what it had from before. Threads are the runtime's
// own affair: it starts one whenever all others are in system calls, and keeps
// it. Growth that depends on how much was done would be a leak, hence the
// limit.
func (c Counts) differences(after Counts) (d []string) {
	const threads = 8
	if after.Descriptors > c.Descriptors {
		d = append(d, fmt.Sprintf("%d descriptors more", after.Descriptors-c.Descriptors))
	}
	if after.Goroutines > c.Goroutines {
		d = append(d, fmt.Sprintf("%d goroutines more", after.Goroutines-c.Goroutines))
	}
	if after.Threads > c.Threads+threads {
		d = append(d, fmt.Sprintf("%d threads more", after.Threads-c.Threads))
	}
	for _, f := range after.Files {
		if !slices.Contains(c.Files, f) {
			d = append(d, "file "+f)
		}
	}
	return d
}

// Table shows counts side by side, one column for each title.
func Table(titles []string, counts ...Counts) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\t%s\t\n", strings.Join(titles, "\t"))
	for _, row := range []struct {
		name  string
		value func(Counts) int
	}{
		{"descriptors", func(c Counts) int { return c.Descriptors }},
		{"threads", func(c Counts) int { return c.Threads }},
		{"goroutines", func(c Counts) int { return c.Goroutines }},
		{"files", func(c Counts) int { return len(c.Files) }},
	} {
		fmt.Fprintf(w, "%s\t", row.name)
		for _, c := range counts {
			fmt.Fprintf(w, "%d\t", row.value(c))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

// LogTable shows how many records of each sort the library logged.
func (c Counts) LogTable() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(c.Log)) {
		fmt.Fprintf(&b, "%9d  %s\n", c.Log[key], key)
	}
	return b.String()
}
