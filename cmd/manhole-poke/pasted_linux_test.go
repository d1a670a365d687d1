package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// startPasted starts the program of testdata/pasted under a name.
func startPasted(t *testing.T, name string) *lazytest.Process {
	t.Helper()
	lazytest.Tool(t, "go")
	exe := filepath.Join(t.TempDir(), name)
	if err := lazytest.Build(exe, "testdata/pasted"); err != nil {
		t.Fatal(err)
	}
	cmd := lazytest.Command(exe)
	cmd.Env = append(os.Environ(), "GO_TOKEN=x", "SHOP_TOKEN=x")
	return lazytest.Launch(t, "", cmd).Ready()
}

var (
	longDuration = regexp.MustCompile(`\b(pprof-cpu|pprof-heap|pprof \w+|trace|freeze|stack diff) \d+[sm]\b`)
	unsaid       = regexp.MustCompile(`\b(pprof-cpu|pprof block|pprof mutex|trace)( -.*)?$`) // how long
	longWatch    = regexp.MustCompile(`\bwatch( [^|;']+?)? [\d.]+ \d+$`)
	somePID      = regexp.MustCompile(`\b\d{4,5}\b`)
)

// shortened makes an example short: what it does takes its time.
func shortened(line string) string {
	line = unsaid.ReplaceAllString(longDuration.ReplaceAllString(line, "$1 50ms"), "$1 50ms$2")
	return longWatch.ReplaceAllString(line, "watch$1 0.05 2")
}

// forms returns the commands, then their forms.
func forms(all []frame.Command) (examples []string) {
	for _, c := range all {
		examples = append(examples, c.Example)
		for _, f := range c.Forms {
			examples = append(examples, f.Example)
		}
	}
	return examples
}

// TestExamplesInSession runs the examples of help in a session.
func TestExamplesInSession(t *testing.T) {
	p := startPasted(t, "web")
	var lines []string
	for _, example := range forms(commands.Builtin()) {
		for line := range strings.Lines(example) {
			// set needs the address of a variable, which only manhole-poke finds.
			if line = shortened(strings.TrimSpace(line)); line != "quit" && !strings.HasPrefix(line, "set ") {
				lines = append(lines, line, "queues") // which ends what has no end
			}
		}
	}
	document, err := os.ReadFile("../../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Split(string(document), "\n")
	for i, line := range shown[:len(shown)-1] {
		next := strings.TrimSpace(shown[i+1])
		line, isLine := strings.CutPrefix(strings.TrimSpace(line), "lazy> ")
		if isLine && !strings.HasPrefix(next, "lazy: error: ") && line != "quit" {
			lines = append(lines, shortened(line), "queues")
		}
	}
	r := poketest.Run(t, strings.Join(lines, "\n")+"\nstats\n", strconv.Itoa(p.PID))
	for _, m := range regexp.MustCompile(`(?m)^lazy: error: [^%\n]*$`).FindAllString(r.Stdout, -1) {
		t.Error(m)
	}
	if !strings.Contains(r.Stdout, "\nGOMAXPROCS: ") {
		t.Errorf("not all was answered: %q", r.Stderr)
	}
}

// TestExamplesPasted runs in a shell the command lines that help, the manual and
// the documentation show.
func TestExamplesPasted(t *testing.T) {
	web, other := startPasted(t, "web"), startPasted(t, "api")
	var lines []string
	collect := func(text string) {
		shown := strings.Split(text, "\n")
		for i, line := range shown[:len(shown)-1] {
			// The examples in error, and what answers to it.
			if next := strings.TrimSpace(shown[i+1]); strings.HasPrefix(next, "manhole-poke: ") && !strings.Contains(next, "wrote ") || strings.Contains(next, `"ok":false`) {
				continue
			}
			indented := strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t")
			line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
			line, _, _ = strings.Cut(line, "  #")
			if indented && (strings.HasPrefix(line, "manhole-poke ") || strings.HasPrefix(line, "echo ") || strings.HasPrefix(line, "printf ") || strings.HasPrefix(line, "nc ")) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	for _, topic := range theManual().Topics() {
		text, _ := theManual().Help(topic.Name)
		if _, examples, ok := strings.Cut(text, "For example, on the command line:\n"); ok || topic.Name == "examples" {
			if !ok {
				examples = text
			}
			collect(examples + "\n")
		}
	}
	for _, file := range []string{"../../README.md", "../../docs/console.md", "../../docs/client.md", "../../docs/values.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		collect(string(text))
	}
	if len(lines) < 40 {
		t.Fatalf("found only %q", lines)
	}
	slices.Sort(lines)
	id := serving(t, web)
	for _, line := range slices.Compact(lines) {
		runPasted(t, line, id, web, other)
	}
}

// elsewhere is what cannot be run here: it needs another machine, an installation
// or somebody who types, lasts, or names what only the reader has. --all would
// disturb the processes of other tests.
var elsewhere = regexp.MustCompile(`ssh |kubectl|sudo|completion|manhole-poke (-t 3 )?(debug|gops|kernel|demo|man|top)\b|go install|TARGET|COMMAND|\b(orders|billing)\b|99999|--all|nats|shop|^manhole-poke (PID|\d+)$| tail\b| freeze\b| -list `)

// serving returns the id of a goroutine of the program that serves a request.
func serving(t *testing.T, p *lazytest.Process) string {
	t.Helper()
	r := poketest.Run(t, "", strconv.Itoa(p.PID), "stack", "-match", `main\.serve`, "-n", "1")
	m := regexp.MustCompile(`, ids (\d+) `).FindStringSubmatch(r.Stdout)
	if m == nil {
		t.Fatalf("no goroutine serves: %+v", r)
	}
	return m[1]
}

func runPasted(t *testing.T, line, id string, web, other *lazytest.Process) {
	if elsewhere.MatchString(line) {
		return
	}
	for _, c := range inspect.Commands() {
		if strings.Contains(line, " "+c.Name+" ") && lazytest.Race {
			return // a program with the race detector can hardly be copied
		}
	}
	if strings.Contains(line, "jq ") {
		lazytest.Tool(t, "jq")
	}
	pids := []string{strconv.Itoa(web.PID), strconv.Itoa(other.PID)}
	seen := map[string]string{"PID": pids[0], "1234": pids[0], "1235": pids[1]}
	text := somePID.ReplaceAllStringFunc(shortened(line), func(n string) string {
		if seen[n] == "" {
			seen[n] = pids[len(seen)%2]
		}
		return seen[n]
	})
	if strings.Contains(text, " watch ") && !strings.HasSuffix(text, "0.05 2") {
		return // it has no end, and was tried in a session
	}
	text = strings.ReplaceAll(text, "PID", pids[0])
	text = strings.ReplaceAll(text, "-id 18", "-id "+id)
	if strings.HasSuffix(text, " before.json") {
		text = "manhole-poke " + pids[0] + " stack json >before.json\n" + text
	}
	ring := ""
	if strings.Contains(text, "nc -") || strings.Contains(text, "socat ") {
		tool, path := "nc", "/tmp/manhole-"+pids[0]
		if strings.Contains(text, "socat ") {
			tool = "socat"
		}
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s: not tried without %s", line, tool)
			return
		}
		ring = "PID=" + pids[0] + "\n" + lazytest.RingAndWait(path)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lazytest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, lazytest.Tool(t, "sh"), "-c", "PATH="+filepath.Dir(poketest.Binary(t))+":$PATH\n"+ring+text)
	cmd.Dir = t.TempDir()
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.HasPrefix(out, []byte("lazy: error: ")) {
		t.Errorf("%s\nas %s: %v\n%.1000q", line, text, err, out)
	}
}
