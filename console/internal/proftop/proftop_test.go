package proftop

import (
	"bytes"
	"compress/gzip"
	"io"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
)

// TestSkip leaves out this goroutine, by a function in its stack, and what was
// counted before.
func TestSkip(t *testing.T) {
	p := pprof.NewProfile("proftop_test")
	addSkipped(p)
	var before, after, text bytes.Buffer
	p.WriteTo(&before, 0)
	addSkipped(p)
	addShown(p)
	p.WriteTo(&after, 0)
	name := strings.TrimSuffix(funcName(), "funcName") + "addSkipped"
	if err := Write(&text, before.Bytes(), after.Bytes(), Options{SkipFunc: name}); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); !strings.Contains(got, ": 1 in all\n") || !strings.Contains(got, "addShown\n") ||
		strings.Contains(got, "addSkipped") || !strings.HasSuffix(got, "left out: 1 of this session's own\n") {
		t.Error(got)
	}
}

//go:noinline
func addSkipped(p *pprof.Profile) { p.Add(new(int), 0) }

//go:noinline
func addShown(p *pprof.Profile) { p.Add(new(int), 0) }

func funcName() string {
	pc, _, _, _ := runtime.Caller(0)
	return runtime.FuncForPC(pc).Name()
}

func FuzzSum(f *testing.F) {
	var b bytes.Buffer
	pprof.Lookup("heap").WriteTo(&b, 0)
	f.Add(unpack(f, b.Bytes()))
	b.Reset()
	pprof.Lookup("goroutine").WriteTo(&b, 0)
	f.Add(unpack(f, b.Bytes()))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if sums, err := sumRaw(raw, "runtime.main"); err == nil {
			for _, v := range sums.functions {
				sums.show(v.flat)
				sums.share(v.cum)
			}
		}
	})
}

func unpack(t testing.TB, packed []byte) []byte {
	t.Helper()
	if _, err := sum(packed, ""); err != nil {
		t.Fatal(err)
	}
	return gunzip(t, packed)
}

// BenchmarkTop is the cost of -top for a heap profile of this process.
func BenchmarkTop(b *testing.B) {
	var p bytes.Buffer
	pprof.Lookup("heap").WriteTo(&p, 0)
	for b.Loop() {
		if err := Write(io.Discard, nil, p.Bytes(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func gunzip(t testing.TB, packed []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
