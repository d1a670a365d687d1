// Package lineedit reads lines at a terminal, with editing, completion and a
// history that is kept between sessions.
//
// The terminal is in raw mode only while a line is read. Between lines keys are
// still read: some are for the command that runs, the others for the next line.
package lineedit
