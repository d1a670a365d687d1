package process

import (
	"cmp"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/armednote"
	"golang.org/x/sys/unix"
)

// What a process makes wait (see views_linux.go), a child does for one process
// as well, the deputy. A thread that waits for a file system which has taken the
// request cannot even be killed, and would keep this process from ending. The
// deputy lives as long as this process, because it is asked often until a socket
// appears. A request that still blocks then keeps only the deputy from ending.

// deputyName is the name (argv[0]) under which this program is the deputy.
const deputyName = "manhole-poke: opens files of processes"

// maxMessage is the longest question or reply, in bytes.
const maxMessage = 64 << 10

func init() {
	if len(os.Args) == 1 && os.Args[0] == deputyName {
		serveQuestions(os.NewFile(3, "questions"))
		os.Exit(0)
	}
}

// A question is what the deputy is asked. Do is one of the keys of duties.
type question struct {
	ID               uint32
	Do               string
	PID, NSPid       int
	UID, GID         int
	Caught           uint64 // for "build"
	Path, Advertised string // or two paths to compare
}

// A reply may come with a descriptor.
type reply struct {
	ID    uint32
	Err   string
	Errno unix.Errno

	Note        *armednote.Note
	NoteErr     string
	Descriptors bool // were all read
	Build       *Build
	Same, Known bool
	File        File
	Import      Import
}

func (r *reply) fail(err error) {
	if err != nil {
		r.Err = err.Error()
		errors.As(err, &r.Errno)
	}
}

func (r *reply) err() error {
	switch {
	case r.Errno != 0:
		return r.Errno
	case r.Err != "":
		return errors.New(r.Err)
	}
	return nil
}

// duties do what the deputy is asked, and return a descriptor or -1. Tests make
// them wait.
var duties = map[string]func(*Process, question, *reply) (fd int){
	"note": func(p *Process, _ question, r *reply) int {
		p.readArmedNote()
		r.Note, r.Descriptors = p.ArmedNote, p.DescriptorsRead
		if p.ArmedNoteErr != nil {
			r.NoteErr = p.ArmedNoteErr.Error()
		}
		return -1
	},
	"build": func(p *Process, q question, r *reply) int {
		b, err := p.readBuild(q.Caught)
		r.Build = b
		r.fail(err)
		return -1
	},
	"import": func(p *Process, _ question, r *reply) int {
		r.Import = p.readImport()
		if r.Import.Hidden || !r.Import.Linked { // from root without CAP_SYS_PTRACE
			p.AsOwner(func() { r.Import = p.readImport() })
		}
		return -1
	},
	"place": func(p *Process, q question, r *reply) int {
		r.Same, r.Known = p.opensAt(q.Path, q.Advertised)
		return -1
	},
	"lstat": func(_ *Process, q question, r *reply) int {
		_, err := os.Lstat(q.Path)
		r.fail(err)
		return -1
	},
	"same place": func(_ *Process, q question, r *reply) int {
		r.Same = samePlace(q.Path, q.Advertised)
		return -1
	},
	"open": func(p *Process, q question, r *reply) int {
		fd, err := openSocket(p, q.Path)
		if err != nil {
			r.fail(err)
			return -1
		}
		f, err := describe(fd)
		if err == nil && f.slow() {
			fd, err = f.connect(fd, p)
		}
		if r.File = f; err != nil {
			r.fail(err)
			return -1
		}
		return fd
	},
}

func answer(q question) (r reply, fd int) {
	r.ID = q.ID
	p := unknown(q.PID)
	p.NSPid, p.UID, p.GID = q.NSPid, q.UID, q.GID
	return r, duties[q.Do](p, q, &r)
}

// serveQuestions is what the deputy does.
func serveQuestions(f *os.File) {
	c, err := net.FileConn(f)
	if err != nil {
		return
	}
	conn := c.(*net.UnixConn)
	buf := make([]byte, maxMessage)
	for {
		n, err := conn.Read(buf)
		if err != nil || n == 0 { // the parent ended
			return
		}
		var q question
		if json.Unmarshal(buf[:n], &q) != nil {
			return
		}
		go func() {
			r, fd := answer(q)
			var rights []byte
			if fd >= 0 {
				defer unix.Close(fd)
				rights = unix.UnixRights(fd)
			}
			text, err := json.Marshal(r)
			if err != nil || len(text) > maxMessage {
				text, _ = json.Marshal(reply{ID: q.ID, Err: "too long"})
			}
			conn.WriteMsgUnix(text, rights, nil)
		}()
	}
}

// A deputy is the child as the parent sees it.
type deputy struct {
	conn *net.UnixConn
	pid  int

	mu      sync.Mutex
	last    uint32
	waiting map[uint32]chan<- delivery // nil when the child has ended
}

type delivery struct {
	reply
	fd int
}

var theDeputy = sync.OnceValues(startDeputy)

func startDeputy() (*deputy, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), ""), os.NewFile(uintptr(ends[1]), "")
	defer ours.Close()
	defer theirs.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{deputyName}
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the parent
	conn, err := net.FileConn(ours)
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	go cmd.Wait()
	d := &deputy{conn: conn.(*net.UnixConn), pid: cmd.Process.Pid, waiting: map[uint32]chan<- delivery{}}
	go d.receive()
	return d, nil
}

func (d *deputy) receive() {
	buf, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4))
	for {
		n, m, _, _, err := d.conn.ReadMsgUnix(buf, oob)
		var got delivery
		if err != nil || n == 0 || json.Unmarshal(buf[:n], &got.reply) != nil {
			break
		}
		got.fd = received(oob[:m])
		d.mu.Lock()
		answered := d.waiting[got.ID]
		delete(d.waiting, got.ID)
		d.mu.Unlock()
		switch {
		case answered != nil:
			answered <- got
		case got.fd >= 0: // nobody waits any longer
			unix.Close(got.fd)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, answered := range d.waiting {
		close(answered)
	}
	d.waiting = nil
}

// received returns the descriptor in a control message, or -1.
func received(oob []byte) int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return -1
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return -1
	}
	return fds[0]
}

// errLate is the error if a file system does not answer.
var errLate = exit.Errorf(exit.Timeout, "file-system", "a file system did not answer")

// ask has the deputy do something. Where there can be none, this process does it
// itself, as it may be before /proc is mounted.
func ask(q question, limit time.Duration) (reply, int, error) {
	d, err := theDeputy()
	answered := make(chan delivery, 1)
	pid := os.Getpid()
	if err != nil {
		go func() {
			r, fd := answer(q)
			answered <- delivery{r, fd}
		}()
	} else if err := d.send(q, answered); err != nil {
		return reply{}, -1, err
	}
	if err == nil {
		pid = d.pid
	}
	got, ok, late := await(answered, limit, pid)
	switch {
	case late:
		return reply{}, -1, errLate
	case !ok:
		return reply{}, -1, errEnded
	}
	return got.reply, got.fd, nil
}

var errEnded = errors.New("the process that looks at it ended")

func (d *deputy) send(q question, answered chan<- delivery) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		return errEnded
	}
	d.last++
	q.ID = d.last
	text, err := json.Marshal(q)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return unix.ENAMETOOLONG
	}
	d.waiting[q.ID] = answered
	if _, err := d.conn.Write(text); err != nil {
		delete(d.waiting, q.ID)
		return errEnded
	}
	return nil
}

// Lstat fails if nothing is at the path, or its file system does not answer.
func Lstat(path string, limit time.Duration) error {
	r, _, err := ask(question{Do: "lstat", Path: absolute(path)}, limit)
	return cmp.Or(err, r.err())
}

// SamePlace reports whether two paths certainly are the same, at which nothing
// need exist yet.
func SamePlace(a, b string) bool {
	r, _, err := ask(question{Do: "same place", Path: absolute(a), Advertised: absolute(b)}, viewTime)
	return err == nil && r.Same
}

// ask asks about this process.
func (p *Process) ask(q question, limit time.Duration) (reply, int, error) {
	q.PID, q.NSPid, q.UID, q.GID = p.PID, p.NSPid, p.UID, p.GID
	return ask(q, limit)
}
