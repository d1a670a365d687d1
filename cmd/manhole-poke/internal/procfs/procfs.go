// Package procfs parses what Linux says of a process, in the formats of proc(5).
// It does not touch the system: the text is an argument. Nothing in the text is
// trusted, as parts of it, such as names, are chosen by the process.
package procfs
