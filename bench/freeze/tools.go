//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gops "github.com/google/gops/signal"
)

// A tool looks into the program once.
type tool struct {
	name    string
	use     func(context.Context) error
	missing string // why it cannot be used
}

func tools(poke, dir string, p *program) []tool {
	pid := strconv.Itoa(p.cmd.Process.Pid)
	core := filepath.Join(dir, "core")
	return []tool{
		{name: "nothing", use: func(context.Context) error { time.Sleep(time.Second); return nil }},
		{name: "manhole-poke freeze", use: command("", poke, pid, "freeze", "10ms")},
		{name: "manhole-poke core", use: then(command("", poke, "-f", "-o", core, pid, "core"), core)},
		{name: "manhole-poke print", use: command("", poke, pid, "print", "main.answer")},
		{name: "gops stack", use: p.gopsStack},
		needs("gcore", tool{name: "gcore", use: then(command("", "gcore", "-o", core, pid), core+"."+pid)}),
		needs("dlv", tool{name: "dlv attach, print", use: command("print main.answer\nquit\nn\n", "dlv", "attach", "--allow-non-terminal-interactive=true", pid)}),
	}
}

func needs(name string, t tool) tool {
	if _, err := exec.LookPath(name); err != nil {
		t.missing = name + " is not installed"
	}
	return t
}

func command(input, name string, args ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdin = strings.NewReader(input)
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, text)
		}
		return nil
	}
}

func then(use func(context.Context) error, file string) func(context.Context) error {
	return func(ctx context.Context) error {
		defer os.Remove(file)
		return use(ctx)
	}
}

// gopsStack asks the agent of gops in the program for its stacks.
func (p *program) gopsStack(ctx context.Context) error {
	c, err := net.Dial("tcp", p.agent)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte{gops.StackTrace}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	return err
}
