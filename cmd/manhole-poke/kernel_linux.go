package main

import (
	"fmt"
	"strconv"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

// kernel shows what the kernel knows of a process, armed or not.
func (c *client) kernel(args []string) error {
	if len(args) != 1 {
		return usagef("kernel takes one PID or NAME; try manhole-poke kernel PID")
	}
	if c.restricted && c.allStacks {
		return exit.Errorf(exit.Denied, "restricted", "--restricted does not allow --stacks; leave it out")
	}
	pid, err := strconv.ParseUint(args[0], 10, 31)
	if err != nil {
		var named int
		named, err = byName(args[0], false)
		pid = uint64(named)
	}
	if err != nil {
		return err
	}
	p, err := process.Stat(int(pid))
	if err != nil {
		return err
	}
	view, err := p.KernelView(false)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.stdout, view.Text); err != nil {
		return exit.Errorf(exit.LocalIO, "output", "cannot write to standard output: %v", err)
	}
	if c.allStacks {
		return c.stacks(p)
	}
	return nil
}
