package listing

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

//go:noinline
func marked(p *pprof.Profile) {
	p.Add(new(int), 0) // here
}

// taken returns a profile of this process, with its file names changed.
func taken(t testing.TB, name string, file func(string) string) []byte {
	t.Helper()
	p := pprof.NewProfile(name)
	marked(p)
	marked(p)
	var b bytes.Buffer
	if err := p.WriteTo(&b, 0); err != nil {
		t.Fatal(err)
	}
	q, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range q.Function {
		f.Filename = file(f.Filename)
	}
	b.Reset()
	if err := q.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestList(t *testing.T) {
	same := func(name string) string { return name }
	var out strings.Builder
	if err := Write(&out, taken(t, "listing_same", same), regexp.MustCompile(`\.marked$`), Sources{}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "listing_same: 2 in all\n") ||
		!regexp.MustCompile(`(?m)^ +\. +2 +\d+: 	p\.Add\(new\(int\), 0\) // here$`).MatchString(got) ||
		!regexp.MustCompile(`(?m)^ +\. +\. +\d+: }$`).MatchString(got) || !strings.Contains(got, " 2  100.0% of all\n") {
		t.Error(got)
	}
	if err := Write(io.Discard, taken(t, "listing_none", same), regexp.MustCompile("nosuch"), Sources{}); err == nil || !strings.Contains(err.Error(), "no function in the profile matches nosuch") {
		t.Error(err)
	}
}

// A program that was compiled elsewhere names files that are not here, or are
// not source at all.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("here/pkg/a.go", "one\r\ntwo\n")
	write("mod/example.com/!big/m@v1.2.3/x/b.go", "b")
	write("secret", "s")
	write("here/large.go", strings.Repeat("x", maxSource+1))
	if err := os.Mkdir(filepath.Join(dir, "dir.go"), 0o700); err != nil {
		t.Fatal(err)
	}
	fifo(t, filepath.Join(dir, "fifo.go"))
	s := Sources{Dirs: []string{filepath.Join(dir, "here")}, Mod: filepath.Join(dir, "mod")}
	for name, want := range map[string]string{
		"/build/app/pkg/a.go":               "one",
		"example.com/app/pkg/a.go":          "one",
		"../../here/pkg/a.go":               "one",
		"example.com/Big/m@v1.2.3/x/b.go":   "b",
		"/build/none.go":                    "not on this machine",
		dir + "/secret":                     "no name of a source file",
		dir + "/dir.go":                     "not a regular file",
		dir + "/fifo.go":                    "not a regular file",
		"large.go":                          "too large",
		"":                                  "no name of a source file",
		"a\x00.go":                          "",
		strings.Repeat("x/", 10000) + ".go": "",
	} {
		lines, where, err := s.Read(name)
		switch {
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%.40q: %v", name, err)
		case err == nil && (lines[0] != want || !strings.HasPrefix(where, dir)):
			t.Errorf("%.40q: %.40q from %s", name, lines, where)
		}
	}
	var out strings.Builder
	gone := func(string) string { return "/build/none.go" }
	if err := Write(&out, taken(t, "listing_gone", gone), regexp.MustCompile(`\.marked$`), s); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "The source is not at hand: it is not on this machine") || !regexp.MustCompile(`(?m)^ +\. +2 +\d+: $`).MatchString(got) {
		t.Error(got)
	}
}

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		v          int64
		unit, want string
	}{{1536, "bytes", "1.50KB"}, {-3 << 20, "bytes", "-3.00MB"}, {12, "bytes", "12 bytes"}, {-5, "count", "-5"}, {1234567890, "nanoseconds", "1.23457s"}} {
		if got := amount(c.v, c.unit); got != c.want {
			t.Errorf("%d %s: %s", c.v, c.unit, got)
		}
	}
}

func FuzzList(f *testing.F) {
	z, err := gzip.NewReader(bytes.NewReader(taken(f, "listing_fuzz", func(name string) string { return name })))
	if err != nil {
		f.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) { list(io.Discard, raw, regexp.MustCompile("."), Sources{}) })
}
