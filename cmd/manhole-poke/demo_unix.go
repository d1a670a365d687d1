//go:build linux || darwin || freebsd

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
)

// demoProgramArg after demo makes this executable the program to look into.
const demoProgramArg = "program"

// demo starts the program, opens a session with it as with any other, and ends
// it.
func (c *client) demo(args []string) error {
	switch {
	case len(args) == 1 && args[0] == demoProgramArg:
		return demoProgram(c.stdin, c.stdout)
	case len(args) > 0:
		return usagef("unexpected argument %s; try manhole-poke demo", args[0])
	}
	ctx, stop := untilSignalled()
	defer stop()
	pid, end, err := startDemo(ctx, c.timeout)
	if err != nil {
		return err
	}
	defer end()
	c.complain(fmt.Sprintf("started a small armed program; this is manhole-poke %d:", pid))
	in := input{}
	if isTerminal(c.stdin) {
		in = input{terminal: true, rest: c.stdin}
	}
	return c.hold(ctx, ring.Options{Timeout: c.timeout}, ring.Target{PID: pid}, in)
}

// startDemo returns when the program is armed. The program ends with its
// standard input, which only this process holds open, so it ends with this
// process, however that ends.
func startDemo(ctx context.Context, timeout time.Duration) (pid int, end func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, nil, exit.Errorf(exit.LocalIO, "demo", "cannot find the demo's program, which is this executable: %v", err)
	}
	var said bytes.Buffer
	cmd := exec.Command(exe, "demo", demoProgramArg)
	cmd.Stderr = &said
	// Ctrl-C is for this process; the program is ended by its input.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, nil, exit.Errorf(exit.LocalIO, "demo", "cannot start the demo: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, nil, exit.Errorf(exit.LocalIO, "demo", "cannot start the demo: %v", err)
	}
	if err := cmd.Start(); err != nil {
		return 0, nil, exit.Errorf(exit.LocalIO, "demo", "cannot start the demo: %v", err)
	}
	end = func() {
		stdin.Close()
		kill := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		cmd.Wait()
	}
	armed := make(chan bool, 1)
	go func() {
		_, err := io.ReadFull(stdout, make([]byte, len(demoArmed)))
		armed <- err == nil
	}()
	select {
	case <-ctx.Done():
		end()
		return 0, nil, context.Cause(ctx)
	case <-time.After(timeout):
		end()
		return 0, nil, exit.Errorf(exit.Timeout, "demo-not-ready", "the demo's program was not ready within %v; try a longer -t", timeout)
	case ok := <-armed:
		if !ok {
			end()
			return 0, nil, exit.Errorf(exit.LocalIO, "demo", "the demo's program could not be armed: %s", &said)
		}
	}
	return cmd.Process.Pid, end, nil
}
