package frozen

import (
	"bufio"
	"context"
	"errors"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/corefile"
	"golang.org/x/sys/unix"
)

// ToCore writes a core file of a copy that [LastResort] made, with the registers
// of the thread that was interrupted, and ends the copy. A debugger that traced
// the copy would see the thread in the signal handler.
func (c *Copy) ToCore(ctx context.Context) error {
	regs, tls := c.Thread.registers(c.PID)
	if regs == nil {
		return exit.Errorf(exit.Unsupported, "unsupported", "registers are not known on this processor; try stack or print")
	}
	f, err := temporary()
	if err != nil {
		return exit.Errorf(exit.LocalIO, "file", "cannot make a temporary file for the core: %v; set TMPDIR to another directory", err)
	}
	c.Core = c.keep(f)
	w := &sparse{f: f}
	out := bufio.NewWriterSize(w, 64<<10)
	err = corefile.Write(ctx, out, corefile.Process{PID: c.PID, Regs: regs, TLS: tls}, nil)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Truncate(w.size)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, unix.ENOSPC):
		return exit.Errorf(exit.LocalIO, "file", "the core does not fit into the file system of the temporary directory; set TMPDIR to a larger one")
	case err != nil:
		return exit.Errorf(exit.LocalIO, "file", "cannot write the core: %v", err)
	}
	c.release()
	return nil
}

// whileStopped traces a process for a moment, in which it calls f. It does
// nothing if that is not permitted.
func whileStopped(pid int, f func()) {
	asuser.OnThread(func() {
		if unix.PtraceSeize(pid) != nil || unix.PtraceInterrupt(pid) != nil {
			return
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err == nil && status.Stopped() {
			f()
		}
	})
}
