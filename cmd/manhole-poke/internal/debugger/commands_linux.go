//go:build amd64 || arm64

package debugger

import (
	"slices"
	"strings"
)

// Names of Delve's commands, with their short forms.
var (
	offered = strings.Fields(`help goroutines goroutine stack frame up down deferred print whatis locals args vars
		list funcs types packages sources libraries regs disassemble examinemem display threads thread config dump transcript source exit`)

	standsStill = strings.Fields(`continue c next n step s step-instruction si stepi next-instruction ni nexti stepout so call
		jump j restart r rebuild rewind rw rev checkpoint check checkpoints clear-checkpoint clearcheck
		break b trace t watch on condition cond clear clearall toggle breakpoints bp target`)
)

// refused returns why a line is not for a copy, or "".
func refused(line string) string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return ""
	}
	switch name := words[0]; {
	case name == "set":
		return errStandsStill.Error() + "; manhole-poke PID set NAME VALUE changes a variable of the program itself"
	case slices.Contains(standsStill, name):
		return errStandsStill.Error()
	case name == "source" && !strings.HasSuffix(words[len(words)-1], ".star"):
		return "source runs a Starlark script, FILE.star; commands are read from standard input: manhole-poke debug TARGET <FILE"
	case name == "edit" || name == "ed":
		return "no editor is started here; list shows the source"
	case name == "config" && slices.Contains(words, "-save"):
		return "settings last until you leave; Delve's configuration file is not written"
	}
	return ""
}
