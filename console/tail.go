package console

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/tail"
	"github.com/go-manhole/lazy/internal/words"
)

// tailInterval is how often tail looks whether there is more to show.
const tailInterval = 10 * time.Millisecond

func tailOutput(ctx context.Context, s *session, a *args.Parsed) error {
	c := tail.Config{Out: s.out, Announce: s.person, Pause: s.pause}
	for i, w := range a.Words {
		if i > 0 || !slices.Contains([]string{"both", "stdout", "stderr"}, w) {
			return fmt.Errorf("unexpected argument %s; try tail stderr, tail stdout or tail both", words.Show(w))
		}
		c.Which = w
	}
	t, err := tail.Open(c)
	if err != nil {
		return err
	}
	defer t.Close()
	s.say("lazy: Enter ends it\n")
	enough := s.enough(s.person)
	s.endless()
	for {
		more, err := t.Show(ctx, false)
		if err != nil {
			return err
		}
		s.out.Flush()
		if err := ctx.Err(); err != nil {
			return err
		}
		wait := tailInterval
		if more {
			wait = time.Millisecond
		}
		if s.waitFor(enough, wait) {
			_, err := t.Show(ctx, true)
			if t.MidLine() && s.person {
				s.out.WriteByte('\n')
			}
			return err
		}
	}
}
