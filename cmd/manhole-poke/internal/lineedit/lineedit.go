// Package lineedit reads lines that somebody types at the terminal, who can edit
// and complete them, and get back earlier ones from a history that outlives the
// process.
//
// It has the terminal in raw mode only while it reads a line. In between keys
// are still listened to, as some are for the command that runs meanwhile, and
// the rest is for the next line.
package lineedit
