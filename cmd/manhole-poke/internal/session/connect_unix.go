//go:build linux || darwin || freebsd

package session

import (
	"context"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
)

// Connect connects to the target, sending the signal if need be, and begins a
// session. A client that comes when the session before is just ending is told
// that the process is busy, or is hung up on; so Connect tries again.
func Connect(ctx context.Context, t ring.Target, ro ring.Options, o Options) (*Session, error) {
	late := time.Now().Add(o.Timeout) // a process could hang up for ever
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		p, conn, err := ring.Connect(ctx, t, ro)
		if err != nil {
			return nil, err
		}
		s, err := Open(ctx, conn, p, o)
		if err == nil {
			return s, nil
		}
		p.Close()
		if !WillPass(err) || pause > 500*time.Millisecond || time.Now().After(late) {
			return nil, err
		}
		if err := ring.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}
