package sockfile

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/armednote"
	"golang.org/x/sys/unix"
)

func TestAbstract(t *testing.T) {
	path := fmt.Sprintf("@sockfile-test-%d", os.Getpid())
	if got, err := CheckPath(path); got != path || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := CheckPath("@"); err == nil || !strings.Contains(err.Error(), "lacks the name") {
		t.Error(err)
	}
	open(t, path)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	f, err := Stat(path)
	if err != nil || !f.InPlace() || f.Remove() != nil {
		t.Errorf("%+v, %v", f, err)
	}
	if err := RemoveStale(path); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Error(err)
	}
}

func TestSpare(t *testing.T) {
	want := armednote.Note{PID: os.Getpid(), Signal: 12, Path: "/tmp/x", Tagged: true, Copies: true}
	fd, err := NewSpare(want)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	file := fmt.Sprintf("/proc/self/fd/%d", fd)
	name, _ := os.Readlink(file)
	if !strings.HasPrefix(name, "/memfd:"+armednote.Prefix+" SIGUSR2 /tmp/x") {
		t.Skipf("no memfd: %s", name)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := armednote.Parse(text); err != nil || n != want {
		t.Errorf("%+v, %v", n, err)
	}
}
