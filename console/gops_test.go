package console

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/google/gops/agent"
	"github.com/google/gops/signal"
)

// ask sends one command of gops's protocol to the console.
func ask(t testing.TB, cfg Config, op byte, argument ...byte) (string, error) {
	t.Helper()
	ours, theirs := pair(t)
	theirs.Write(append([]byte{op}, argument...))
	failed := make(chan error, 1)
	go func() {
		failed <- second(Serve(context.Background(), ours, cfg))
		ours.Close()
	}()
	answer, err := io.ReadAll(theirs)
	if err != nil {
		t.Errorf("reading the answer: %v", err)
	}
	return string(answer), <-failed
}

// askAgent sends the same to gops's own agent.
func askAgent(t testing.TB, address string, op byte, argument ...byte) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(append([]byte{op}, argument...))
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func startAgent(t *testing.T) (address string) {
	dir := t.TempDir()
	if err := agent.Listen(agent.Options{ConfigDir: dir}); err != nil {
		t.Skipf("gops's agent does not start here: %v", err)
	}
	t.Cleanup(agent.Close)
	port, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + string(port)
}

// shape is an answer without what differs from one moment to the next.
func shape(s string) string {
	s = regexp.MustCompile(`\d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d[.\d]* [-+]\d{4} \w+`).ReplaceAllString(s, "TIME")
	s = regexp.MustCompile(`[\d.]+(h|m|s|ms|µs|ns)+\b`).ReplaceAllString(s, "DURATION")
	s = regexp.MustCompile(`[\d.]+(KB|MB|GB|TB|PB) \(\d+ bytes\)|\d+ bytes`).ReplaceAllString(s, "SIZE")
	return regexp.MustCompile(`\d+(\.\d+)?(e-\d+)?`).ReplaceAllString(s, "N")
}

func TestGopsFormats(t *testing.T) {
	address := startAgent(t)
	for _, test := range []struct {
		name string
		op   byte
	}{
		{"GC", signal.GC}, // first, so that memstats has had one
		{"MemStats", signal.MemStats},
		{"Version", signal.Version},
		{"Stats", signal.Stats},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := askAgent(t, address, test.op)
			got, err := ask(t, Config{}, test.op)
			if err != nil {
				t.Error(err)
			}
			if shape(got) != shape(want) || got == "" {
				t.Errorf("gops:\n%s\nthe console:\n%s", want, got)
			}
		})
	}
	t.Run("SetGCPercent", func(t *testing.T) {
		defer debug.SetGCPercent(debug.SetGCPercent(100))
		argument := make([]byte, binary.MaxVarintLen64) // all ten bytes, as gops sends them
		binary.PutVarint(argument, 150)
		want := askAgent(t, address, signal.SetGCPercent, argument...)
		debug.SetGCPercent(100)
		got, err := ask(t, Config{}, signal.SetGCPercent, argument...)
		if got != want || err != nil {
			t.Errorf("gops: %sthe console: %s%v", want, got, err)
		}
		if now := debug.SetGCPercent(100); now != 150 {
			t.Errorf("GC percent is %d", now)
		}
	})
	t.Run("StackTrace", func(t *testing.T) {
		// One parked goroutine that both must show alike.
		release := make(chan struct{})
		defer close(release)
		go park(release)
		mine := regexp.MustCompile(`(?s)goroutine \d+ \[chan receive\]:\n[^\n]*console\.park\(.*?\ncreated by [^\n]*\n[^\n]*\n`)
		want := ""
		for want == "" { // until it is parked
			want = mine.FindString(askAgent(t, address, signal.StackTrace))
		}
		got, err := ask(t, Config{}, signal.StackTrace)
		if err != nil {
			t.Error(err)
		}
		if got := mine.FindString(got); got != want || got == "" {
			t.Errorf("gops:\n%s\nthe console:\n%s", want, got)
		}
	})
	t.Run("HeapProfile", func(t *testing.T) {
		for _, got := range []string{first(ask(t, Config{}, signal.HeapProfile)), askAgent(t, address, signal.HeapProfile)} {
			if !strings.HasPrefix(got, "\x1f\x8b") {
				t.Errorf("not gzip: %.20q", got)
			}
		}
	})
	t.Run("BinaryDump", func(t *testing.T) {
		got, err := ask(t, Config{}, signal.BinaryDump)
		if want := askAgent(t, address, signal.BinaryDump); got != want || err != nil {
			t.Errorf("%d bytes, gops has %d; %v", len(got), len(want), err)
		}
	})
}

func first(s string, _ error) string { return s }

func park(c chan struct{}) { <-c }

func TestGopsRefusals(t *testing.T) {
	leavesNothing(t)
	for op, name := range map[byte]string{signal.GC: "gc", signal.SetGCPercent: "setgc"} {
		var argument []byte
		if op == signal.SetGCPercent {
			argument = make([]byte, binary.MaxVarintLen64)
		}
		got, err := ask(t, Config{ReadOnly: true}, op, argument...)
		if err == nil || !strings.HasPrefix(got, "lazy: error: "+name+": not in a session that only observes") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	overflow := bytes.Repeat([]byte{0xff}, 11)
	if got, err := ask(t, Config{}, signal.SetGCPercent, overflow...); err == nil || !strings.HasPrefix(got, "lazy: error: setgc: ") {
		t.Errorf("%q, %v", got, err)
	}
	for b := range 256 {
		if want := b >= 1 && b <= 9 || b == 16; isGops(byte(b)) != want {
			t.Errorf("isGops(%#x) is %v", b, !want)
		}
	}
}

func FuzzVarint(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xac, 0x02, 0, 0})
	f.Add(bytes.Repeat([]byte{0x80}, 11))
	f.Fuzz(func(t *testing.T, b []byte) {
		want, n := binary.Varint(b)
		got, err := binary.ReadVarint(&input{ctx: context.Background(), conn: readConn{bytes.NewReader(b)}})
		if (err == nil) != (n > 0) || err == nil && got != want {
			t.Fatalf("%x: %d, %v, want %d (%d)", b, got, err, want, n)
		}
	})
}
