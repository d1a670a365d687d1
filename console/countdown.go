package console

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
)

// A countdown waits while something is collected. A person is shown how long that
// still takes and can end it early; so can a client. A script is shown nothing.
type countdown struct {
	s    *session // nil for a script
	what string
}

func (s *session) countdown(what string) *countdown {
	if !s.person && !s.framed {
		return new(countdown)
	}
	return &countdown{s, what}
}

// wait returns after d, or earlier if the peer wants no more. If ctx is done before,
// that is an error.
func (c *countdown) wait(ctx context.Context, d time.Duration) error {
	if c.s == nil {
		return sleep(ctx, nil, d)
	}
	enough := c.enough()
	defer c.show(d, 0)
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
		c.show(d, left)
		if err := sleep(ctx, enough, min(left, time.Second)); err != nil {
			return err
		}
	}
}

// enough returns a channel that is closed when the peer wants no more.
func (c *countdown) enough() <-chan struct{} {
	if c.s == nil {
		return nil
	}
	return c.s.enough(true)
}

// show shows a person how much of d is left; 0 is the end.
func (c *countdown) show(d, left time.Duration) {
	if c.s == nil || !c.s.person {
		return
	}
	a := frame.Progress{What: c.what, Seconds: wholeSeconds(d), Left: wholeSeconds(left)}
	switch {
	case c.s.framed:
		if text, err := json.Marshal(a); err == nil {
			c.s.put(frame.Progressing, text)
		}
	case left <= 0:
		c.s.say("\rlazy: %s: done                    \n", a.What)
	default:
		c.s.say("\rlazy: %s: %d s left, Enter ends it ", a.What, a.Left)
	}
	c.s.out.Flush()
}

// say shows a person a note.
func (c *countdown) say(format string, args ...any) {
	if c.s != nil {
		c.s.say("lazy: "+format, args...)
	}
}

func wholeSeconds(d time.Duration) int { return int(max(0, d+time.Second-1) / time.Second) }

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
