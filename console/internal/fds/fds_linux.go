package fds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/console/internal/format"
	"golang.org/x/sys/unix"
)

// An entry is what is known of one descriptor.
type entry struct {
	kind  string
	what  string
	state string // of a socket
	idle  time.Duration
}

// Values of idle that are no durations.
const (
	noIdle      = -1 // nothing is received or sent there
	idleUnknown = -2 // the kernel does not keep it
)

// List writes a line for each descriptor that o accepts, and a last one that
// counts all. Sockets are asked for what is known of them: unlike /proc/net that
// works in any network namespace, and takes no longer on a host with many others.
// It fails if ctx is done, if the list cannot be read, or if o.Afford returns an
// error, which is called between a thousand descriptors and the next.
func List(ctx context.Context, w io.Writer, o Options) error {
	open, err := descriptors(o.Afford)
	if err != nil {
		return err
	}
	l := lister{o: o, w: w, kinds: map[string]int{}}
	for i, fd := range open {
		if i%atOnce == atOnce-1 {
			if err := o.Afford(); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.look(int(fd))
	}
	// The idlest come first, which is known once all were looked at. To keep
	// their lines would take too much memory.
	slices.Sort(l.sorted)
	for _, key := range l.sorted {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if o.Most > 0 && l.shown == o.Most {
			break
		}
		fd := int(key & math.MaxInt32)
		if e, ok := l.entry(fd); ok {
			l.show(fd, e)
		}
	}
	return l.summary()
}

type lister struct {
	o       Options
	w       io.Writer
	kinds   map[string]int
	total   int
	passed  int
	shown   int
	unknown int      // passed all but -idle, which is not known of them
	sorted  []uint64 // how idle, and the descriptor
	target  [4096]byte
}

func (l *lister) look(fd int) {
	e, ok := l.entry(fd)
	if !ok {
		return // closed since, such as the one the list was read from
	}
	l.total++
	l.kinds[e.kind]++
	if !l.o.Match.MatchString(e.what) || !hasState(e.state, l.o.State) {
		return
	}
	if l.o.Idle > 0 && e.idle < l.o.Idle {
		if e.idle == idleUnknown {
			l.unknown++
		}
		return
	}
	l.passed++
	switch {
	case l.o.Idle > 0 || l.o.State != "" || l.o.Sort:
		l.sorted = append(l.sorted, order(fd, e.idle))
	case l.o.Most == 0 || l.shown < l.o.Most:
		l.show(fd, e)
	}
}

// order returns a number by which descriptors are sorted, the idlest first. Its
// lower 31 bits are the descriptor.
func order(fd int, idle time.Duration) uint64 {
	const most = 1 << 30 // of 4 milliseconds, as the kernel counts to 1<<32
	n := uint64(most)
	if idle >= 0 {
		n = most - 1 - min(uint64(idle.Milliseconds())/4, most-1)
	}
	return n<<31 | uint64(fd)
}

// hasState reports whether the state has text in it, in either case: CLOSE-WAIT
// is close_wait elsewhere.
func hasState(state, text string) bool {
	return strings.Contains(strings.ToUpper(state), strings.ReplaceAll(strings.ToUpper(text), "_", "-"))
}

func (l *lister) show(fd int, e entry) {
	l.shown++
	fmt.Fprintf(l.w, "%5d %-2s %s\n", fd, mode(fd), e.what)
}

func (l *lister) summary() error {
	if l.o.Note != "" {
		fmt.Fprintln(l.w, l.o.Note)
	}
	var kinds []string
	for kind, n := range l.kinds {
		kinds = append(kinds, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(kinds)
	fmt.Fprintf(l.w, "%d open (%s)%s", l.total, strings.Join(kinds, ", "), limitText())
	if l.passed < l.total || l.shown < l.passed {
		fmt.Fprintf(l.w, "; %d shown", l.shown)
	}
	if l.shown < l.passed {
		fmt.Fprintf(l.w, " of the %d asked for", l.passed)
	}
	if l.unknown > 0 {
		fmt.Fprintf(l.w, "; not known is how long %d others are idle, because the kernel keeps that for TCP alone", l.unknown)
	}
	_, err := io.WriteString(l.w, "\n")
	return err
}

// entry describes an open descriptor.
func (l *lister) entry(fd int) (e entry, ok bool) {
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), l.target[:])
	if err != nil {
		return e, false
	}
	e = describe(fd, string(l.target[:n]), l.o.Own)
	if l.o.Waiting != nil {
		if who := l.o.Waiting(fd); who != "" {
			e.what += ", " + who
		}
	}
	return e, true
}

func limitText() string {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return ""
	}
	return fmt.Sprintf(", at most %d", limit.Cur)
}

// atOnce is how many are read at once: a process that leaks them may have a
// million, and little memory left.
const atOnce = 1000

// descriptors returns the numbers of the open ones, in order.
func descriptors(afford func() error) ([]uint64, error) {
	fds, err := readDescriptors(afford)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		// None is left to read the directory with, which is when this list is
		// wanted most. Then there are as many as the limit allows.
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			return nil, err
		}
		all := make([]uint64, min(limit.Cur, 1<<20))
		for i := range all {
			all[i] = uint64(i)
		}
		return all, nil
	}
	slices.Sort(fds)
	return fds, err
}

func readDescriptors(afford func() error) (fds []uint64, err error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(atOnce)
		for _, n := range names {
			if fd, err := strconv.ParseInt(n, 10, 32); err == nil {
				fds = append(fds, uint64(fd))
			}
		}
		if err == io.EOF {
			return fds, nil
		}
		if err == nil {
			err = afford()
		}
		if err != nil {
			return nil, err
		}
	}
}

// mode is r, w or rw.
func mode(fd int) string {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return "?"
	}
	switch {
	case flags&unix.O_PATH != 0:
		return "-" // a place, not open for either
	case flags&unix.O_ACCMODE == unix.O_RDONLY:
		return "r"
	case flags&unix.O_ACCMODE == unix.O_WRONLY:
		return "w"
	}
	return "rw"
}

// describe says what a descriptor is, given the target of its link in /proc. own
// is the path of lazy's socket.
func describe(fd int, target, own string) entry {
	e := entry{what: format.Printable(target), idle: noIdle}
	switch {
	case strings.HasPrefix(target, "socket:"):
		return socket(fd, own)
	case strings.HasPrefix(target, "pipe:"):
		e.kind, e.idle = "pipe", idleUnknown
		if n, err := unix.IoctlGetInt(fd, unix.TIOCINQ); err == nil && n > 0 {
			e.what += fmt.Sprintf(", %d bytes unread", n)
		}
		if alone(fd) {
			e.what += ", the other end is closed"
		}
	case strings.HasPrefix(target, "/memfd:"):
		e.kind, e.what = "memfd", e.what[1:]
		if strings.HasPrefix(target, "/memfd:lazy-armed ") {
			e.what += ours
		}
	case strings.HasPrefix(target, "anon_inode:"):
		e.kind = strings.Trim(strings.TrimPrefix(target, "anon_inode:"), "[]")
	case strings.HasPrefix(target, "/dev/"):
		e.kind = "device"
	default:
		e.kind = "file"
		if at, err := unix.Seek(fd, 0, unix.SEEK_CUR); err == nil && at > 0 {
			e.what += fmt.Sprintf(", at byte %d", at)
		}
	}
	return e
}

// Name says what an open descriptor is: a socket's kind and addresses, or the
// target of its link in /proc.
func Name(fd int) string {
	var target [4096]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), target[:])
	if err != nil {
		return "closed"
	}
	if s := string(target[:n]); !strings.HasPrefix(s, "socket:") {
		return format.Printable(s)
	}
	name, _ := named(fd)
	return name
}

// ours marks what belongs to lazy and not to the program.
const ours = " (lazy's own)"

// alone reports whether the other end of a pipe or a connection is closed.
func alone(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd)}}
	n, err := unix.Ppoll(p, &unix.Timespec{}, nil)
	return err == nil && n == 1 && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
