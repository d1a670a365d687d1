package lazy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// BenchmarkSize builds small programs, stripped, with and without each package
// in use, and says what it adds. What two of them have in common is in both.
//
//	go test -run '^$' -bench Size -benchtime 1x -v .
func BenchmarkSize(b *testing.B) {
	lazytest.Tool(b, "go")
	plain := []use{{"fmt", `fmt.Println("hello")`}}
	server := append(plain, use{"log/slog", `slog.Info("hello")`}, use{"net/http", `http.ListenAndServe("", nil)`})
	packages := []struct {
		name string
		uses []use
	}{
		{"stackdump", []use{
			{"context", ""}, {"os", ""},
			{"github.com/go-manhole/lazy/stackdump", `d, _ := stackdump.Capture(context.Background(), stackdump.Options{}); d.Render(os.Stdout, stackdump.RenderOptions{})`},
		}},
		{"console", []use{
			{"context", ""},
			{"github.com/go-manhole/lazy/console", `console.Serve(context.Background(), nil, console.Config{})`},
		}},
		{"lazy", []use{{"github.com/go-manhole/lazy", `lazy.Arm()`}}},
		{"lazy/armed", []use{{"_ github.com/go-manhole/lazy/armed", ""}}},
		{"lazy and lazy/expvars", []use{{"github.com/go-manhole/lazy", `lazy.Arm()`}, {"_ github.com/go-manhole/lazy/expvars", ""}}},
		{"expvar itself", []use{{"_ expvar", ""}}},
		{"net/http/pprof", []use{{"_ net/http/pprof", ""}}},
		{"gops/agent", []use{{"github.com/google/gops/agent", `agent.Listen(agent.Options{})`}}},
	}
	for range b.N {
		alone, withServer := sizeOf(b, plain), sizeOf(b, server)
		b.Logf("%-22s %20s %24s", "", "a program with fmt", "with slog and net/http")
		b.Logf("%-22s %17.2f MB %21.2f MB", "without", alone, withServer)
		for _, p := range packages {
			b.Logf("%-22s %17.2f MB %21.2f MB", "+ "+p.name,
				sizeOf(b, append(plain[:1:1], p.uses...))-alone, sizeOf(b, append(server[:3:3], p.uses...))-withServer)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// use is a package and a statement that needs it.
type use struct{ pkg, statement string }

// sizeOf builds a program and returns its size in millions of bytes.
func sizeOf(b *testing.B, uses []use) float64 {
	b.Helper()
	var imports, body strings.Builder
	for _, u := range uses {
		name, path, blank := strings.Cut(u.pkg, " ")
		if !blank {
			name, path = "", u.pkg
		}
		fmt.Fprintf(&imports, "import %s %q\n", name, path)
		fmt.Fprintln(&body, u.statement)
	}
	dir := b.TempDir()
	source, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	if err := os.WriteFile(source, []byte("package main\n"+imports.String()+"func main() {\n"+body.String()+"}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, source).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}
