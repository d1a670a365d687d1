// Package mark marks the goroutines of a session, so that the stacks a session
// shows leave them out.
//
// The mark is a function in the stack rather than a pprof label, because the
// runtime's own text (runtime.Stack) has no labels before Go 1.27, and because
// a label of ours would also be inherited by what a command of the program
// starts.
package mark

import "runtime"

// Session calls f. A goroutine within it counts as one of a session.
//
//go:noinline
func Session(f func()) {
	f()
	// What is called last must not take the place of this frame.
	done()
}

//go:noinline
func done() {}

// Func is the name of Session as stacks have it. It is asked for, not written
// down, so that it survives a rename (by vendoring, or a tool that obfuscates).
var Func = func() (name string) {
	Session(func() {
		pc, _, _, _ := runtime.Caller(1)
		name = runtime.FuncForPC(pc).Name()
	})
	return name
}()
