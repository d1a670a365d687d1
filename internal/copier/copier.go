// Package copier passes on what is written to a pipe, and copies it: a program
// whose stdout or stderr is replaced by the pipe goes on reaching where that
// led, and somebody else sees it too.
//
// A process of its own does it, because whoever empties that pipe must not end
// with the program, which may exit, crash or be killed right after a write;
// must not end with what the program started, which writes to the pipe as
// well; and must not wait for the program's scheduler, as a write would with
// it. It is a loop of a dozen system calls without memory but its stack,
// assembled with this package (loop_linux_*.s) and executed from a memfd, so
// that it needs nothing of the file system but /proc. It ends when nobody
// holds the pipe's other end any more, or reads what it passes on.
//
// Beside SIGKILL one thing ends it sooner: in the pid namespace of which the
// program is the first process (pid 1, as in most containers), the kernel kills
// everything when that one ends, and what was written in the last moment may be
// still in the pipe.
package copier
