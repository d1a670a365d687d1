package manual

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

func help(t *testing.T, topic string) string {
	t.Helper()
	text, ok := sample().Help(topic)
	if !ok || text == "" {
		t.Fatalf("no help on %q", topic)
	}
	return text
}

// What can be asked for is what there is help on.
func TestHelpTopics(t *testing.T) {
	seen := map[string]bool{}
	for _, topic := range append(sample().Topics(), Topic{"stack diff", ""}) {
		if seen[topic.Name] {
			t.Errorf("%s is there twice", topic.Name)
		}
		seen[topic.Name] = true
		for line := range strings.Lines(help(t, topic.Name)) {
			if utf8.RuneCountInString(line) > 81 && !strings.HasPrefix(line, "  manhole-poke man ") {
				t.Errorf("too long for a terminal: %q", line)
			}
		}
	}
	for _, none := range []string{"", "nonsense", "stack nonsense", "Synopsis"} {
		if text, ok := sample().Help(none); ok {
			t.Errorf("%q: %s", none, text)
		}
	}
}

// Every section of the text is a topic, and every placeholder is known.
func TestSections(t *testing.T) {
	m := sample()
	if len(m.sections) != len(chapters) {
		t.Errorf("%d sections, %d topics", len(m.sections), len(chapters))
	}
	for i, s := range m.sections {
		if s.title != chapters[i].What {
			t.Errorf("section %q, topic %q", s.title, chapters[i].What)
		}
		if text := plainText(s.blocks); strings.ContainsAny(text, "{}") {
			t.Errorf("%s: a placeholder is left:\n%s", s.title, text)
		}
	}
}

func TestHelp(t *testing.T) {
	for topic, want := range map[string]string{
		"gops": `  manhole-poke gops PID

gops: let gops(1) talk to it. As if it had gops's agent.

  --for DURATION  how long gops may be used. Only with the subcommand gops.
`,
		"flags": `  -o, --output FILE  write the answer to FILE, which must not exist. A - is
                     standard output.
`,
		"stack": `In a session:

  stack [full] [FILTER]...

goroutines, identical stacks grouped

  full           all detail
  -match REGEXP  only matching stacks
  -system        also those of the runtime

A goroutine is shown once.

Its forms:
  stack diff [FILTER]...  what changed

For example, on the command line:

  manhole-poke PID stack -match 'http\.'
`,
		"stack diff": `In a session:

  stack diff [FILTER]...

what changed

  -match REGEXP  only matching stacks
  -system        also those of the runtime

Since the last stack.

For example, on the command line:

  manhole-poke PID stack diff -match http
`,
		"commands": `What is it doing?
  stack [full] [FILTER]...  goroutines, identical stacks grouped
        full           all detail
        -match REGEXP  only matching stacks
        -system        also those of the runtime

      A goroutine is shown once.

  stats                     goroutines, threads

What leaks?
  stack diff [FILTER]...  what changed
      It has the options of stack.

      Since the last stack.

What does it wait for?
  stack -state TEXT   the goroutines that wait now: TEXT is chan, select, sync,
                      IO, semacquire or sleep
  fds -idle DURATION  silent connections, their peers, and who waits on them

What is it made of?
  version  the Go version, and 10 µs
`,
		"version": "  manhole-poke version\n\nversion: print the version.\n\nIn a session:\n\n  version\n\nthe Go version, and 10 µs\n",
		"files":   "  ~/.local/state/manhole-poke/history\n                    the lines typed",
	} {
		if got := help(t, topic); !strings.Contains(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", topic, got, want)
		}
	}
}

func TestHelpOnStatuses(t *testing.T) {
	flat := strings.Join(strings.Fields(help(t, "status")), " ")
	for _, row := range exit.Table {
		if want := strings.Join(strings.Fields(fmt.Sprintf("%d %s", row.Status, row.Meaning)), " "); !strings.Contains(flat, want) {
			t.Errorf("help lacks %q", want)
		}
		for _, reason := range row.Reasons {
			if !strings.Contains(flat, reason) {
				t.Errorf("help lacks the reason %s", reason)
			}
		}
	}
}

func TestOverview(t *testing.T) {
	text := sample().Overview()
	for _, want := range []string{
		"Usage:\n  manhole-poke  ", "  manhole-poke gops PID  ", "let gops(1) talk to it\n",
		"\n  -o, --output FILE  write the answer to FILE, which must not exist\n  --json  ", "description, targets,",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(text, "--for") {
		t.Error("it has a flag of a subcommand")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestAtTerminal(t *testing.T) {
	const want = "\nAt this terminal\n  COMMAND | PROGRAM               a local program reads the answer: stack | less, fds | grep tcp\n"
	if text := sample().AtTerminal(nil); !strings.HasPrefix(text, want) || strings.Count(text, "\n") != 8 {
		t.Errorf("%s", text)
	}
}

func TestPackageComment(t *testing.T) {
	text := sample().PackageComment()
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "// ") && !strings.HasPrefix(line, "//\t") && line != "//\n" {
			t.Errorf("%q", line)
		}
	}
	for _, want := range []string{
		"// Manhole-poke: look into running Go programs that called lazy.Arm.\n//\n// # Synopsis\n//\n//\tmanhole-poke\n",
		"//   - --json: answer in JSON.\n", "//   - 0: success\n", "// # See also\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(text, "What is it doing?") {
		t.Error("it has the commands of the console")
	}
}
