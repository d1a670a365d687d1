package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/go-manhole/lazy/console"
	"github.com/spf13/pflag"
)

// The manual is written once, here and in the tables that the program itself
// goes by. Help shows parts of it, man prints it for man(1), and the package
// comment is made of it.

// A section is a chapter of the manual, and a topic of help.
type section struct {
	topic string
	title string
	parts []part
}

// A part is a paragraph, terms or an example.
type part any

type paragraph string

// terms are what is looked up, with what it means.
type terms []entry

type entry struct{ name, meaning string }

// example is shown as it is, line by line.
type example string

// synopsis is as well, but in the man page it looks like names of terms.
type synopsis string

func (t terms) names() (s synopsis) {
	for _, e := range t {
		s += synopsis(e.name + "\n")
	}
	return s
}

// nested is more about the term before.
type nested []part

// heading is for the parts that follow, up to the next one.
type heading string

const tagline = "look into running Go programs that called lazy.Arm"

//go:generate go test -run TestPackageComment -update

func manual() []section {
	return []section{
		{"usage", "Synopsis", []part{ways("[FLAGS] ").names()}},
		{"description", "Description", []part{
			paragraph("manhole-poke opens a session with a Go program that called lazy.Arm of " + lazyModule + ". The program is rung with a signal; it then opens a unix socket for one session, in which it shows its goroutines, figures and profiles and can be adjusted."),
			paragraph("Without arguments manhole-poke lists the Go processes of this machine, and which of them are armed. Nothing is rung."),
			paragraph("With a target it looks before it rings: the process must exist and run, belong to the caller (or the caller be root), catch the signal, and hold the descriptor by which an armed process says for which signal and path it is armed. A process that would die of the signal is never signalled. Then it rings, waits for the socket, and makes sure that the one who listens is that very process before it says a word."),
			paragraph("At a terminal the session is a console. Input that is not a terminal is a script, a command on each line, and only the answers are printed. A script without a byte gets greeting, statistics and stacks."),
			paragraph("With a command, or with -c, only the answers to that are printed. Several targets are asked at the same time, and their answers stand below each other; but stats makes one table of all, and stack merges and counts the goroutines of all. With --json each answer is a line, and so is the reason why a process did not answer. If standard output is a pipe or socket that nobody reads any more, the commands are given up, unless their answer goes to a file (-o)."),
			paragraph("A process in a container has the PID that the host sees, as the list shows it. Its socket is found through /proc/PID/root and in its network namespace, and root connects as the user that the process runs as (Linux)."),
		}},
		{"targets", "Targets", []part{
			targetTerms,
			paragraph("The first argument is a target, and so are those after it that are all digits or contain a slash. The rest is one command of the console with its arguments, and never taken for flags of manhole-poke, except that -o FILE and -f may stand there as well: no command of the console has these. After -- nothing is taken for a flag or a target; before all else it lets a process be reached that is called like a subcommand. With -c all arguments are targets."),
		}},
		{"terminal", "At a terminal", []part{
			paragraph("Lines are edited, and kept for the next session. Ctrl-D or quit ends this one."),
			terminalTerms,
			paragraph("A binary answer needs a file or a program to go to. In what is shown, control characters are replaced by what stands for them."),
		}},
		{"flags", "Options", []part{flagTerms(), paragraph("They stand before the first target, or beside the subcommand that they go with.")}},
		{"subcommands", "Subcommands", []part{subcommandTerms()}},
		{"commands", "Commands of the console", append([]part{
			paragraph("These are those of every program; its own may be added with lazy.Handle, and then help lists them in the session. A word with blanks is quoted, 'so' or \"so\". With -c, commands are separated by semicolons and ends of lines outside such quotes."),
		}, consoleParts()...)},
		{"status", "Exit status", []part{
			paragraph("Every failure is one line on standard error that says what to try, and one of these:"),
			statusTerms(),
		}},
		{"environment", "Environment", []part{environment}},
		{"files", "Files", []part{files}},
		{"examples", "Examples", []part{
			paragraph("What is there, and which of it is armed:"),
			example("manhole-poke\nmanhole-poke --json | jq 'select(.armed)'\n"),
			paragraph("A session, a script, and greeting, statistics and stacks at once:"),
			example("manhole-poke 1234\necho stats | manhole-poke 1234\nmanhole-poke 1234 </dev/null >stacks.txt\n"),
			paragraph("One command; a profile in a file; several commands in several processes:"),
			example("manhole-poke web stack -state 'chan receive' -n 3\nmanhole-poke 1234 pprof-cpu 10s -o cpu.pprof\nmanhole-poke -c 'stats; stack' 1234 1235\n"),
			paragraph("All workers of this machine as one answer:"),
			example("manhole-poke --all stack\nmanhole-poke --all --json stats\n"),
			paragraph("See it work, without a program of one's own:"),
			example("manhole-poke demo\n"),
		}},
		{"install", "Installation", []part{
			paragraph("This page, where man(1) finds it; if install(1) has no -D, make the directory first:"),
			example("manhole-poke man | sudo install -Dm644 /dev/stdin /usr/local/share/man/man1/manhole-poke.1\n"),
			paragraph("Completion: bash (with the package bash-completion) in ~/.bashrc; zsh in ~/.zshrc, after compinit; fish; powershell in $PROFILE:"),
			example("source <(manhole-poke completion bash)\nsource <(manhole-poke completion zsh)\nmanhole-poke completion fish >~/.config/fish/completions/manhole-poke.fish\nmanhole-poke completion powershell | Out-String | Invoke-Expression\n"),
		}},
		{"security", "Security notes", []part{
			paragraph("Only the process's own user and root are let in: the process asks the kernel who connects, and manhole-poke asks it who listens. The socket has mode 0600."),
			paragraph("Whoever is in a session can do what a debugger can: read memory and environment, change settings of the runtime, run the program's own commands, unless the program was armed with WithReadOnly. What the session is told by the program is the program's word."),
			paragraph("What another process says or calls itself is shown with control characters replaced: in lists, messages and completions, and in the answers at a terminal of the console. Answers to scripts and to commands on the command line are passed on as they are."),
		}},
		{"see", "See also", []part{
			paragraph("kill(1), nc(1), signal(7), unix(7), https://pkg.go.dev/" + lazyModule),
		}},
	}
}

var targetTerms = terms{
	{"PID", "a process. By its descriptor it says for which signal and path it is armed."},
	{"NAME", "the Go process whose executable, or which itself, is called exactly so. Of several the only one that is armed is meant, if all are the same user's; else they are listed, and none is rung."},
	{"PATH", "a socket; it contains a slash. What listens there is connected to. If nobody does, the process that the path is named after is rung, if it says that the path is its own."},
}

// terminalTerms are what help in a session says of manhole-poke's own.
var terminalTerms = terms{
	{"COMMAND | PROGRAM", "a local program reads the answer: stack | less, fds | grep tcp"},
	{"COMMAND > FILE", "the answer becomes a new file; >! writes over an old one"},
	{"Tab", "completes commands, their arguments, and files"},
	{"Ctrl-R, Up", "what was typed before; what begins with a blank is not kept"},
	{"Enter", "ends watch, tail, trace and a profile early"},
	{"Ctrl-C", "interrupts the command; twice within a second, leaves"},
}

var environment = terms{
	{"GOPS_CONFIG_DIR, XDG_CONFIG_HOME, HOME", "where gops, and with it manhole-poke gops, looks for the port of an agent."},
	{"NO_COLOR", "if it is not empty, nothing is coloured; nor is it if TERM is dumb, or on what is no terminal."},
	{"PAGER", "what --pager shows long answers in; else less, or more."},
	{"XDG_STATE_HOME", "where the history of the console is; ~/.local/state if it is not set."},
}

var files = terms{
	{"/tmp/manhole-PID", "the socket, from the ring to the end of the session, unless the program was armed with another path. Where /tmp cannot be used it is /dev/shm/manhole-PID, and else a name in the abstract namespace; the process tells, and manhole-poke finds it."},
	{"~/.local/state/manhole-poke/history", "what was typed in sessions, readable by nobody else. It is not kept where the directory is another user's, as it may be under sudo."},
	{"/proc/PID/fd", "where an armed process tells, in a descriptor named lazy-armed, for which signal and path (Linux)."},
}

// ways are all ways to start manhole-poke; flags stands where flags may.
func ways(flags string) terms {
	all := terms{
		{"", "list the Go processes that run here"},
		{flags + "TARGET...", "a session: typed, or a script"},
		{flags + "TARGET... COMMAND [ARG]...", "one command, only its answer"},
		{flags + "-c COMMANDS TARGET...", "several: -c 'stack; stats'"},
		{flags + "--all COMMAND [ARG]...", "the same in every armed process"},
	}
	for _, s := range subcommands() {
		all = append(all, entry{s.usage(), s.what})
	}
	for i := range all {
		all[i].name = strings.TrimSpace("manhole-poke " + all[i].name)
	}
	return all
}

func flagTerms() terms {
	return termsOf(func(*pflag.Flag) bool { return true })
}

func termsOf(meant func(*pflag.Flag) bool) (all terms) {
	new(options).flags().VisitAll(func(f *pflag.Flag) {
		if !meant(f) {
			return
		}
		all = append(all, entry{flagName(f), sentences(f.Usage, f.Annotations[moreAbout]...)})
	})
	return all
}

func flagName(f *pflag.Flag) string {
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	return strings.Join(append([]string{name}, f.Annotations[argument]...), " ")
}

func subcommandTerms() (all terms) {
	for _, s := range subcommands() {
		all = append(all, entry{s.usage(), sentences(s.what, s.more)})
	}
	return all
}

func sentences(first string, rest ...string) string {
	return strings.TrimSpace(first + ". " + strings.Join(rest, " "))
}

func statusTerms() (all terms) {
	for _, s := range statuses {
		all = append(all, entry{fmt.Sprintf("%3d", s.status), s.meaning})
	}
	return all
}

// consoleParts are the commands by the question that they answer, in the
// order of the console's own help.
func consoleParts() (parts []part) {
	var topics []string
	byTopic := map[string][]part{}
	for _, c := range console.Commands() {
		if byTopic[c.Topic] == nil {
			topics = append(topics, c.Topic)
		}
		byTopic[c.Topic] = append(byTopic[c.Topic], terms{{strings.TrimSpace(c.Name + " " + c.Args), c.What}})
		if more := detailsOf(c); more != nil {
			byTopic[c.Topic] = append(byTopic[c.Topic], nested(more))
		}
	}
	for _, t := range topics {
		parts = append(append(parts, heading(t)), byTopic[t]...)
	}
	return parts
}

const textWidth = 79

// A layout is for who reads the text as it is.
type layout struct {
	margin string // before a line of a paragraph
	indent string // before the others
	apart  bool   // an empty line follows a heading
}

func writeText(w io.Writer, l layout, parts []part) {
	for i, p := range parts {
		if i > 0 && l.parted(parts[i-1], p) {
			fmt.Fprintln(w, strings.TrimRight(l.margin, " "))
		}
		switch p := p.(type) {
		case paragraph:
			for _, line := range wrap(string(p), textWidth-len(l.margin)) {
				fmt.Fprintln(w, l.margin+line)
			}
		case heading:
			fmt.Fprintln(w, l.margin+string(p))
		case example:
			writeIndented(w, l.indent, string(p))
		case synopsis:
			writeIndented(w, l.indent, string(p))
		case terms:
			writeTerms(w, l.indent, p)
		case nested:
			writeText(w, layout{margin: l.indent + "    ", indent: l.indent + "    "}, p)
		}
	}
}

// parted keeps a list together, and a heading with what it is of.
func (l layout) parted(before, after part) bool {
	switch before.(type) {
	case heading:
		return l.apart
	case terms, nested:
		switch after.(type) {
		case terms, nested:
			return false
		}
	}
	return true
}

func writeIndented(w io.Writer, indent, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(w, indent+strings.TrimRight(line, "\n"))
	}
}

func writeTerms(w io.Writer, indent string, t terms) {
	width := nameWidth(t, textWidth-len(indent)-2)
	for _, e := range t {
		name := e.name
		if len(name) > width {
			fmt.Fprintln(w, indent+name)
			name = ""
		}
		for _, line := range wrap(e.meaning, textWidth-len(indent)-width-2) {
			fmt.Fprintf(w, "%s%-*s  %s\n", indent, width, name, line)
			name = ""
		}
	}
}

// nameWidth is that of the longest name, if each meaning then fits on one
// line; else a longer name has a line of its own.
func nameWidth(t terms, width int) int {
	const most = 24
	var all, few, meaning int
	for _, e := range t {
		all, meaning = max(all, len(e.name)), max(meaning, len(e.meaning))
		if len(e.name) <= most {
			few = max(few, len(e.name))
		}
	}
	if all+meaning <= width {
		return all
	}
	return few
}

// wrap breaks a paragraph into lines of that width.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
