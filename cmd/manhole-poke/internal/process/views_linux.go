package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A foreign process can make whoever looks at it wait for ever: its executable
// or a descriptor may lie on a file system that it serves itself (FUSE), or be
// held by a lease. So a child looks at the processes, and is killed if it does
// not come to an end. The child is this program again under another name, and
// speaks JSON: PIDs in, one Info a line out.

// viewerName is the name (argv[0]) under which this program is the child.
const viewerName = "manhole-poke: looks at processes"

// The limits for looking at processes.
const (
	viewTime  = 2 * time.Second       // for one
	viewPause = 10 * time.Millisecond // before the next one's turn comes beside it
	maxStuck  = 200                   // that are looked at at once; each needs a thread
	// childTime is how long the child may be silent.
	childTime = 2 * viewTime
)

// look is what the child does with each process; tests make it wait.
var look = (*viewer).view

func init() {
	if len(os.Args) == 1 && os.Args[0] == viewerName {
		if err := serveViews(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// A sighting is what the child says of a process.
type sighting struct {
	PID  int
	Info *Info // nil if it is not one of Go
}

// serveViews is what the child does.
func serveViews(r io.Reader, w io.Writer) error {
	in := bufio.NewReader(r)
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	go func() { // the parent keeps the pipe open while it lives
		io.Copy(io.Discard, in)
		os.Exit(1)
	}()
	var mu sync.Mutex
	out := json.NewEncoder(w)
	say := func(s sighting) {
		mu.Lock()
		defer mu.Unlock()
		out.Encode(s)
	}
	v := newViewer()
	var all sync.WaitGroup
	turns := make(chan bool, maxStuck)
	for word := range strings.FieldsSeq(line) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		turns <- true
		seen := make(chan sighting, 1)
		done := make(chan bool)
		go func() {
			info, ok := look(v, pid)
			if !ok {
				info = nil
			}
			seen <- sighting{pid, info}
		}()
		all.Go(func() {
			defer func() { <-turns }()
			s, _, late := await(seen, viewTime, os.Getpid())
			if late {
				s = sighting{pid, unanswered(pid)}
			} else {
				close(done)
			}
			say(s)
		})
		select {
		case <-done:
		case <-time.After(viewPause):
		}
	}
	all.Wait()
	return nil
}

// unanswered is what is known of a process that could not be looked at in time.
func unanswered(pid int) *Info {
	i := &Info{PID: pid, Unanswered: true}
	p := unknown(pid)
	if s, err := p.status(); err == nil {
		i.UID, i.NSPid, i.Name, i.Comm = &s.UID, &p.NSPid, s.Name, s.Name
	}
	return i
}

// views returns what the child says of the processes. A child that is late is
// killed; then it says nothing of the rest, and each of those is unanswered.
func views(pids []int) ([]Info, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{viewerName}
	cmd.Stdout = w
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	w.Close()
	if err != nil {
		return nil, err
	}
	ended := make(chan bool)
	go func() {
		cmd.Wait() // closes in
		close(ended)
	}()
	defer func() {
		cmd.Process.Kill()
		select {
		case <-ended:
		case <-time.After(viewTime): // it waits in the kernel, which even SIGKILL does not end
		}
	}()
	go func() {
		io.WriteString(in, strings.Trim(fmt.Sprint(pids), "[]")+"\n")
	}()

	var all []Info
	left := map[int]bool{}
	for _, pid := range pids {
		left[pid] = true
	}
	dec := json.NewDecoder(&patientReader{r, cmd.Process.Pid, childTime})
	for len(left) > 0 {
		var s sighting
		err := dec.Decode(&s)
		if err != nil && len(left) == len(pids) && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("the process that looks at them ended: %w", err)
		}
		if err != nil {
			break
		}
		if delete(left, s.PID); s.Info != nil {
			all = append(all, *s.Info)
		}
	}
	for pid := range left {
		all = append(all, *unanswered(pid))
	}
	return all, nil
}
