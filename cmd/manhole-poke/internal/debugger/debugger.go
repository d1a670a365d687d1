// Package debugger is Delve's debugger for a copy of a process that stands
// still, or a core file.
package debugger
