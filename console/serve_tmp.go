package console

import (
	"context"
	"time"
)

// Serve stands in until the console has its own.
func Serve(ctx context.Context, conn Conn, cfg Config) (kind string, err error) {
	p, ok := conn.(interface {
		Peek(time.Duration) (byte, bool, bool)
	})
	if !ok {
		return "script", Run(ctx, conn, cfg)
	}
	first, said, eof := p.Peek(80 * time.Millisecond)
	switch {
	case eof:
		return "report", Report(ctx, conn, cfg)
	case said && IsGops(first):
		conn.Read(make([]byte, 1))
		return "gops", Gops(ctx, first, conn, cfg)
	case said && IsFramed(first):
		return "manhole-poke", Framed(ctx, conn, cfg)
	case said:
		return "script", Run(ctx, conn, cfg)
	}
	cfg.Person = true
	return "person", Run(ctx, conn, cfg)
}
