package lazytest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	Play(Roles{"echo": echo, "fails": func() { fmt.Println("error: on purpose") }})
	os.Exit(m.Run())
}

// echo prints its arguments, and each line that it reads.
func echo() {
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(os.Getuid(), os.Getpid(), strings.Join(os.Args[1:], "+"), in.Text())
	}
}

func TestProcess(t *testing.T) {
	p := Start(t, "echo", "a", "b")
	if got, want := p.Ask("hello"), fmt.Sprintf("%d %d a+b hello", os.Getuid(), p.PID); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.Tell("more")
	p.Expect(fmt.Sprintf("%d %d a+b more", os.Getuid(), p.PID))
	if lines := p.Printed(); len(lines) > 0 {
		t.Errorf("also %q", lines)
	}
	if p := Launch(t, "fails", Command(Exe(t))); p.First != "error: on purpose" || p.Wait() != nil {
		t.Errorf("%q, %v", p.First, p.Wait())
	}
	if p := Launch(t, "unknown", Command(Exe(t))); !strings.Contains(p.First, `no role "unknown"`) || p.Wait() == nil {
		t.Errorf("%q, %v", p.First, p.Wait())
	}
}

func TestAsUser(t *testing.T) {
	as := AsUser(t, Nobody)
	p := Launch(t, "echo", Wrap(Command(CopyExe(t, "copy"), "x"), as...)).Ready()
	if got, want := p.Ask("I"), fmt.Sprintf("%d %d x I", Nobody, p.PID); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestContainer(t *testing.T) {
	c := Container{Namespaces: AllNamespaces, Setup: "touch $R/there", User: AsUser(t, 33)}
	p := Launch(t, "echo", c.Command(t, "y", "z")).Ready()
	if got, want := p.Ask("I"), "33 1 y+z I"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !Exists(fmt.Sprintf("/proc/%d/root/there", p.PID)) {
		t.Error("the script did not run")
	}
}

func TestWindow(t *testing.T) {
	w := StartWindow(t, []string{"PS1=> "}, "sh")
	w.Enter("echo so''me words")
	w.Shows("some words")
}

// What one test writes runs at once, while others start processes.
func TestWriteExe(t *testing.T) {
	program, err := os.ReadFile(Tool(t, "true"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			exe := filepath.Join(PublicDir(t), "program")
			for range 50 {
				WriteExe(t, exe, program)
				if err := exec.Command(exe).Run(); err != nil {
					t.Error(err)
				}
				os.Remove(exe)
			}
		})
	}
	all.Wait()
}
