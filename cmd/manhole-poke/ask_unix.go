//go:build unix

package main

import (
	"strconv"
	"strings"
)

// ask sends the lines to the target and prints the answers.
func ask(o options, targets, lines []string) error {
	if len(targets) != 1 || o.all || o.out != "" || o.json || o.pager {
		return failf(statusUnsupported, "one target at a time, and its answer as it is; try manhole-poke PID COMMAND")
	}
	pid, err := strconv.ParseUint(targets[0], 10, 31)
	if err != nil || pid == 0 {
		return failf(statusUsage, "%q is not a PID; try manhole-poke help", targets[0])
	}
	ctx, stop := untilSignalled()
	defer stop()
	return pokeProcess(ctx, o, int(pid), input{first: []byte(strings.Join(lines, "\n") + "\n")})
}
