// Package tee passes on what is written to a pipe, and copies it. A program
// whose stdout or stderr is replaced by the pipe still reaches the former
// destination, and the copies show what it writes.
//
// A separate process does this, because the reader of the pipe must not end
// with the program, which may exit, crash or be killed right after a write;
// must not end before the program's children do, which write to the pipe as
// well; and must not wait for the program's scheduler, as a write would wait
// with it. The process is a loop of a dozen system calls, assembled with this
// package (loop_linux_*.s), whose only memory is its stack. It is executed from
// a memfd and so needs nothing of the file system but /proc. It ends when the
// other end of the pipe is closed everywhere, or its output has no reader any more.
//
// Besides SIGKILL one thing ends it sooner. If the program is pid 1 of its pid
// namespace, as in most containers, the kernel kills everything in it when the
// program ends; what was written in the last moment may still be in the pipe.
package tee
