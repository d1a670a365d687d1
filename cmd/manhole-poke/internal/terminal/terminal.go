// Package terminal holds a session with a person: lines are edited, answers are
// coloured, and | and > send them to local programs and files.
//
// A command runs until its answer is complete. While it runs, Enter finishes it
// early and Ctrl-C interrupts it; Ctrl-C twice within a second leaves.
package terminal
