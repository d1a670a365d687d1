//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
)

// script sends lines as they come and shows the answers as nc would, but that
// it knows the failures. A line that is sent while a command runs may be what
// ends it, so none waits for the answer to the one before.
func (c *client) script(in input, out io.Writer) error {
	var sent atomic.Int64 // lines that are answered
	said := make(chan error, 1)
	go func() {
		err := c.sendLines(in, &sent)
		c.conn.CloseWrite() // fails only if the peer is gone, which the reader sees
		said <- err
	}()

	var failures []string
	answers := int64(0)
	for {
		k, text, err := frame.Read(c.in)
		var writeErr error
		switch {
		case err != nil:
			return c.scriptOver(err, said, sent.Load()-answers, failures)
		case k == frame.Output:
			_, writeErr = out.Write(text)
		case k == frame.Error:
			failures = append(failures, printable.Line(string(text)))
			_, writeErr = fmt.Fprintf(out, "%s %s\n", failed, text)
		case k == frame.Done:
			answers++
		case k == frame.Note, k == frame.Progress:
		case k == frame.Closing:
			return c.closing(text)
		default:
			return c.garbled(k)
		}
		if writeErr != nil {
			return failf(statusHere, "cannot write the answers: %v", writeErr)
		}
	}
}

// sendLines ends the input after the last one.
func (c *client) sendLines(in input, sent *atomic.Int64) error {
	lines := bufio.NewReader(bytes.NewReader(in.first))
	if in.rest != nil {
		lines = bufio.NewReader(io.MultiReader(bytes.NewReader(in.first), in.rest))
	}
	for begun := false; ; {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			ended := line[len(line)-1] == '\n'
			if text := bytes.TrimRight(line, "\r\n"); (begun || len(text) > 0) && (ended || err == io.EOF) {
				sent.Add(1)
			}
			begun = !ended
			if _, err := c.conn.Write(line); err != nil {
				return errPeer
			}
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// errPeer marks an error that is not the script's but the connection's.
var errPeer = errors.New("connection")

// scriptOver is what the end of the connection means.
func (c *client) scriptOver(err error, said <-chan error, unanswered int64, failures []string) error {
	var sayErr error
	select {
	case sayErr = <-said:
	default: // the process hung up first, as after quit
	}
	if sayErr != nil && !errors.Is(sayErr, errPeer) {
		return failf(statusHere, "cannot read the rest of the script: %v", sayErr)
	}
	switch {
	case err != io.EOF || c.ctx.Err() != nil || c.p.exited():
		return c.over(err)
	case errors.Is(sayErr, errPeer) || unanswered > 0:
		return failf(statusBroken, "%s ended the session before all was said; try again with less, or without what follows a quit", c.p)
	case len(failures) == 1:
		return failf(statusCommand, "%s", failures[0])
	case len(failures) > 1:
		return failf(statusCommand, "%d commands failed, the first: %s", len(failures), failures[0])
	}
	return nil
}
