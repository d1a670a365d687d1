package console

import (
	"context"
	"time"
)

// countdown waits while something is collected. A person is shown how long
// that still takes and can end it with a line; a script is shown nothing.
type countdown struct {
	s    *session // nil for a script
	what string
}

func (s *session) countdown(what string) *countdown {
	if !s.cfg.Person {
		return new(countdown)
	}
	return &countdown{s, what}
}

// wait returns after d, or earlier if a person wants it so. If ctx is done
// before, that is an error.
func (c *countdown) wait(ctx context.Context, d time.Duration) error {
	if c.s == nil {
		return sleep(ctx, nil, d)
	}
	enough := make(chan struct{})
	stop := c.s.lines.listen(true, enough)
	defer stop()
	defer c.s.say("\rlazy: %s: done                    \n", c.what)
	end := time.Now().Add(d)
	for {
		left := time.Until(end)
		select {
		case <-enough:
			return ctx.Err()
		default:
		}
		if left <= 0 {
			return ctx.Err()
		}
		c.s.say("\rlazy: %s: %d s left, Enter ends it ", c.what, int((left+time.Second-1)/time.Second))
		c.s.out.Flush()
		if err := sleep(ctx, enough, min(left, time.Second)); err != nil {
			return err
		}
	}
}

// sleep returns after d, or when enough is closed, or with an error when ctx
// is done.
func sleep(ctx context.Context, enough <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-enough:
	case <-t.C:
	}
	return nil
}
