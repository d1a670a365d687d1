//go:build unix

package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	if err := wait(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	ctx, leave := context.WithCancelCause(t.Context())
	left := errors.New("left")
	time.AfterFunc(time.Millisecond, func() { leave(left) })
	if err := wait(ctx, time.Hour); err != left {
		t.Error(err)
	}
}
