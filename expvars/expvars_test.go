package expvars

import (
	"bytes"
	"context"
	"expvar"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/console"
)

// conn is a peer that said all it has to say.
type conn struct {
	io.Reader
	bytes.Buffer
}

func (c *conn) Read(b []byte) (int, error)      { return c.Reader.Read(b) }
func (c *conn) SetReadDeadline(time.Time) error { return nil }

func TestVars(t *testing.T) {
	expvar.NewInt("expvars_test").Set(42)
	// One that publishes when it is read, which expvar's lock would not allow.
	expvar.Publish("expvars_test_func", expvar.Func(func() any {
		if expvar.Get("expvars_test_late") == nil {
			expvar.NewString("expvars_test_late")
		}
		return "x"
	}))
	c := &conn{Reader: strings.NewReader("vars\nvars expvars_test\nvars nothing\n")}
	if _, err := console.Serve(context.Background(), c, console.Config{}); err != nil {
		t.Fatal(err)
	}
	got := c.String()
	for _, want := range []string{
		"cmdline: [", "memstats: {", "expvars_test: 42\n", "expvars_test_func: \"x\"\n", "\n42\n", "lazy: error: vars: no variable nothing",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
