//go:build unix

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

	"golang.org/x/term"
)

// demoProgramArg after demo makes this executable the program to be poked.
const demoProgramArg = "program"

// demo starts the program, pokes it as any other would be, and ends it.
func demo(o options, args []string) error {
	switch {
	case len(args) == 1 && args[0] == demoProgramArg:
		return demoProgram(os.Stdin, os.Stdout)
	case len(args) > 0:
		return failf(statusUsage, "demo takes no arguments, not %q; try manhole-poke demo", args[0])
	}
	ctx, stop := untilSignalled()
	defer stop()
	pid, end, err := startDemo(ctx, o.timeout)
	if err != nil {
		return err
	}
	defer end()
	fmt.Fprintf(os.Stderr, "manhole-poke: started a small armed program; this is manhole-poke %d:\n", pid)
	in := input{}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		in = input{terminal: true, rest: os.Stdin}
	}
	return door{pid: pid}.hold(ctx, o, in)
}

// startDemo returns when the program is armed. The program ends with its
// standard input, which nobody but this process holds open, so it ends with
// this process, however that ends.
func startDemo(ctx context.Context, timeout time.Duration) (pid int, end func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, nil, failf(statusHere, "cannot find the demo's program, which is this one: %v", err)
	}
	var said bytes.Buffer
	cmd := exec.Command(exe, "demo", demoProgramArg)
	cmd.Stderr = &said
	// Ctrl-C is for this process; the program is ended by its input.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, nil, failf(statusHere, "cannot start the demo: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, nil, failf(statusHere, "cannot start the demo: %v", err)
	}
	if err := cmd.Start(); err != nil {
		return 0, nil, failf(statusHere, "cannot start the demo: %v", err)
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
		return 0, nil, failf(statusTimeout, "the demo's program was not ready within %v; try a longer -t", timeout)
	case ok := <-armed:
		if !ok {
			end()
			return 0, nil, failf(statusHere, "the demo's program could not be armed: %s", &said)
		}
	}
	return cmd.Process.Pid, end, nil
}
