package spool

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
)

// A slowWriter waits for permission to write.
type slowWriter struct {
	let chan error
	b   bytes.Buffer
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if err := <-w.let; err != nil {
		return 0, err
	}
	return w.b.Write(p)
}

func TestSpoolDoesNotWait(t *testing.T) {
	w := &slowWriter{let: make(chan error)}
	s := New(w)
	var want bytes.Buffer
	for range 100 {
		p := bytes.Repeat([]byte("0123456789"), 1000)
		want.Write(p)
		if _, err := s.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	close(w.let)
	if err := s.Flush(); err != nil || w.b.String() != want.String() {
		t.Errorf("%v, %d bytes, want %d", err, w.b.Len(), want.Len())
	}
}

func TestSpoolDrops(t *testing.T) {
	w := &slowWriter{let: make(chan error)}
	s := New(w)
	s.Write([]byte("begun\n"))
	w.let <- nil
	s.Flush()
	s.Write([]byte("under way"))
	s.Write([]byte(" kept\n"))
	s.Drop()
	s.Write([]byte("more\n"))
	close(w.let)
	s.Flush()
	s.Write([]byte("the next\n"))
	s.Flush()
	got := w.b.String()
	if got != "begun\nunder way\nthe next\n" && got != "begun\nthe next\n" {
		t.Errorf("%q", got)
	}
}

func TestSpoolReportsFailure(t *testing.T) {
	w := &slowWriter{let: make(chan error, 1)}
	s := New(w)
	w.let <- io.ErrClosedPipe
	s.Write([]byte("x"))
	if err := s.Flush(); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if _, err := s.Write([]byte("y")); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestSpoolFromSeveral(t *testing.T) {
	var b bytes.Buffer
	s := New(&b)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				s.Write([]byte("line\n"))
			}
		})
	}
	all.Wait()
	s.Flush()
	if b.Len() != 8*1000*5 {
		t.Error(b.Len())
	}
}
