package lazy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "github.com/go-manhole/lazy/expvars" // for vars
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// asked is a line and a regular expression that its answer matches.
type asked struct {
	line, want   string
	typed, shown string // the same for a person, if different: a terminal gets no files
	once         bool   // only with nc: a slow variant of another
}

// everyCommand has a line for each command of the console, in the order in which
// one session runs them.
var everyCommand = []asked{
	{line: "version", want: `^go1\.`},
	{line: "stats", want: `(?m)^goroutines: \d+$`},
	{line: "stack -n 2", want: `goroutines in \d+ groups?: `},
	{line: "stack diff -n 2", want: `goroutines?, \d+ before \(`},
	{line: "stack json", want: `^\{"stackdump":1,.*\n\{"count":`},
	{line: "stack raw", want: `(?m)^goroutine \d+ \[`, typed: "stack full -n 1", shown: `full capture, the world stood still for `},
	{line: "stack -args -n 1 -match '^main.main$'", want: `(?m)^    main\.main\(\)  `},
	{line: "blocked json", want: `(?m)^\{"blocked":1,`},
	{line: "blocked", want: `(?m)^\d+ of \d+ goroutines wait for \d+ objects?`},
	{line: "watch 0.05 2", want: `(?m)^time +goroutines .*\n.*\n.*\n`},
	{line: "watch sched/latencies -state chan 0.05 1", want: `(?m)^time +latencies:seconds/s +p50 .* matching .*\n.*\n`},
	{line: "tail stderr", want: ``},
	{line: "freeze 100ms", want: `(?m)^copy \d+ of process \d+, taken `},
	{line: "trace 100ms", want: `^go 1\.\d+ trace`, shown: `trace: binary, not for a terminal`},
	{line: "pprof-cpu 200ms", want: `^\x1f`, typed: "pprof-cpu 200ms -top", shown: `cpu: .* in all`},
	{line: "pprof-heap", want: `^\x1f`, typed: "pprof-heap -top", shown: ` in all`},
	{line: "memstats", want: `(?m)^heap-alloc: `},
	{line: "metrics '^/sched/gomaxprocs'", want: `^/sched/gomaxprocs:threads \d`},
	{line: "fds", want: ` open \(`},
	{line: "fds -who -state listen -n 1", want: `LISTEN \(lazy's own\)`},
	{line: "pprof", want: `(?m)^goroutine +\d+$`},
	{line: "pprof goroutine 100ms", want: `^\x1f`, typed: "pprof goroutine 100ms -top", shown: `goroutine: -?\d+ in all`},
	{line: "pprof goroutine", want: `^\x1f`, typed: "pprof goroutine -top", shown: `goroutine: \d+ in all`},
	{line: "pprof block 100ms", want: `^\x1f`, once: true},
	{line: "pprof mutex 100ms", want: `^\x1f`, once: true},
	{line: "buildinfo", want: `^go\tgo1\.`},
	{line: "binary", want: `^\x7fELF`, shown: `binary: binary, not for a terminal`},
	{line: "core -gz", want: `^\x1f`, shown: `core: binary, not for a terminal`},
	{line: "env ^" + lazytest.RoleVariable, want: `^` + lazytest.RoleVariable + `=target`},
	{line: "godebug", want: `^GODEBUG: `},
	{line: "vars cmdline", want: `^\["/.*"\]`},
	{line: "setgc 100", want: `^New GC percent set to 100\.`},
	{line: "memlimit", want: `^memory limit: `},
	{line: "maxprocs", want: `^GOMAXPROCS: \d+`},
	{line: "help", want: `(?m)^What leaks\?$`},
	{line: "help stack", want: `(?m)^  for example: `},
}

// patient are the commands that may take minutes in a saturated process. They
// run in an idle one.
var patient = []string{"gc", "freemem"}

// busy is a process with goroutines that burn CPU, and its stderr in a file, so
// that there is something to tail.
func busy(t *testing.T, spin int) *target {
	if testing.Short() || lazytest.UnderRace() {
		spin = 20
	}
	lazytest.Tool(t, "sh")
	file := filepath.Join(t.TempDir(), "stderr")
	tg := launch(t, []string{"sh", "-c", `exec "$@" 2>` + file, "sh"}, "-spin", strconv.Itoa(spin)).ready()
	return tg
}

// TestEveryCommand runs each command of the console in a saturated process, from
// nc, from socat with line editing and from manhole-poke. set needs an address, and
// is tested in package console.
func TestEveryCommand(t *testing.T) {
	for _, c := range commands.Builtin() {
		if c.Name != "quit" && c.Name != "set" && !slices.Contains(patient, c.Name) && !slices.ContainsFunc(everyCommand, func(a asked) bool {
			return a.line == c.Name || strings.HasPrefix(a.line, c.Name+" ")
		}) {
			t.Errorf("%s is never asked", c.Name)
		}
	}
	lazytest.SkipEmulated(t, "it takes too long")
	poke := buildPoke(t) // while there are processors for it
	// What takes more than a moment's CPU time waits for its turn behind all of
	// them, again and again. Each number is far more than there are processors.
	t.Run("nc", func(t *testing.T) { askWithNc(t, busy(t, 200)) })
	tg := busy(t, 50)
	t.Run("socat", func(t *testing.T) { askWithSocat(t, tg) })
	t.Run("manhole-poke", func(t *testing.T) { askWithPoke(t, tg, poke) })
	idle := startTarget(t)
	for _, line := range patient {
		lazytest.Wants(t, idle.Script(line+"\n"), "ok: ")
		idle.Gone()
	}
}

// check fails unless an answer is the one to a.
func (a asked) check(t *testing.T, answer string) {
	t.Helper()
	failed := strings.HasPrefix(answer, "lazy: error: ") && !strings.Contains(a.want, "not for a terminal")
	if failed || !regexp.MustCompile(a.want).MatchString(answer) {
		t.Errorf("%s: not %q:\n%.2000q", a.line, a.want, answer)
	}
}

// askWithNc sends all lines as one script. Unknown commands between them show
// where one answer ends and the next begins.
func askWithNc(t *testing.T, tg *target) {
	lazytest.Tool(t, "nc")
	script := filepath.Join(t.TempDir(), "script")
	var lines strings.Builder
	for i, a := range everyCommand {
		fmt.Fprintf(&lines, "%s\nend-%d\n", a.line, i)
	}
	lines.WriteString("quit\nversion\n")
	if err := os.WriteFile(script, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	rest, err := tg.Shell(lazytest.RingAndWait("/tmp/manhole-$PID") + "nc -N -U /tmp/manhole-$PID <" + script)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range everyCommand {
		answer, after, ok := strings.Cut(rest, fmt.Sprintf("lazy: error: end-%d: no such command; try help\n", i))
		if !ok {
			t.Fatalf("%s: not answered:\n%.2000q", a.line, rest)
		}
		a.check(t, answer)
		rest = after
	}
	if rest != "" {
		t.Errorf("%q after quit", rest)
	}
	tg.Gone()
}

// askWithSocat types each line at a terminal. Debian builds socat without
// readline; rlwrap then does the same for it.
func askWithSocat(t *testing.T, tg *target) {
	socat := lazytest.Tool(t, "socat")
	client := socat + " readline"
	if out, _ := exec.Command(socat, "-V").Output(); !strings.Contains(string(out), "define WITH_READLINE") {
		client = lazytest.Tool(t, "rlwrap") + " -H /dev/null " + socat + " -"
	}
	w := lazytest.StartWindow(t, nil, "sh", "-c", "read go; "+client+" unix-connect:"+tg.Path+"; read end")
	record := w.Record()
	tg.Ring()
	tg.Opened()

	escapes := regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\r`)
	var read int
	answer := func(line string, end string) string {
		t.Helper()
		w.Enter(line)
		var shown string
		lazytest.Eventually(t, line+" is answered", func() bool {
			b, _ := os.ReadFile(record)
			shown = escapes.ReplaceAllString(string(b[read:]), "")
			// What readline draws anew comes without its line's beginning.
			if !strings.HasSuffix(shown, end) || !strings.Contains(shown, line+"\n") {
				return false
			}
			read = len(b)
			return true
		})
		return shown
	}
	answer("", "lazy> ")
	for _, a := range everyCommand {
		if a.once {
			continue
		}
		if a.typed != "" {
			a.line = a.typed
		}
		if a.shown != "" {
			a.want = a.shown
		}
		end := "lazy> "
		if strings.HasPrefix(a.line, "tail") {
			answer(a.line, "Enter ends it\n")
			a.line = ""
		}
		shown := answer(a.line, end)
		_, shown, _ = strings.Cut(shown, a.line+"\n")
		a.check(t, shown)
	}
	w.Enter("quit")
	tg.Gone()
}

// askWithPoke has manhole-poke run all lines in one session, and in another one
// those that a further line ends.
func askWithPoke(t *testing.T, tg *target, poke string) {
	run := func(input string, args ...string) string {
		t.Helper()
		cmd := exec.Command(poke, append(args, strconv.Itoa(tg.PID))...)
		cmd.Stdin = strings.NewReader(input)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 {
			t.Errorf("%s %q: %v, %s", args, input, err, stderr.String())
		}
		tg.Gone()
		return string(out)
	}
	var lines, wants []string
	for _, a := range everyCommand {
		switch {
		case a.once:
		case strings.HasPrefix(a.line, "tail"):
			// -c would keep the next line until it has ended.
			a.check(t, run(a.line+"\nversion\n"))
		default:
			// A file does not end with a line.
			lines, wants = append(lines, a.line), append(wants, strings.TrimPrefix(a.want, "^"))
		}
	}
	all := asked{line: strings.Join(lines, "; "), want: "(?ms)" + strings.Join(wants, ".*")}
	all.check(t, run("", "-c", all.line))
}

// buildPoke builds manhole-poke, or skips the test.
func buildPoke(t *testing.T) string {
	lazytest.Tool(t, "go")
	poke := filepath.Join(t.TempDir(), "manhole-poke")
	if err := lazytest.Build(poke, "cmd/manhole-poke"); err != nil {
		t.Fatal(err)
	}
	return poke
}
