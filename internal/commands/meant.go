package commands

import "strings"

// Meant returns the line that a word is probably meant for which is no command
// itself: what other tools call it, or the nearest of the names of commands. It
// is "" if none is near.
func Meant(word string, names []string) string {
	known := func(name string) bool {
		for _, n := range names {
			if n == name {
				return true
			}
		}
		return false
	}
	lower := strings.ToLower(word)
	if known(lower) {
		return lower
	}
	if line := elsewhere(lower); line != "" {
		if name, _, _ := strings.Cut(line, " "); known(name) {
			return line
		}
	}
	// A short word is near to anything.
	best, nearest := "", min(2, len(lower)/3)
	if len(lower) > 32 {
		return ""
	}
	for _, n := range names {
		if d := distance(lower, n); d <= nearest && d < len(n)-1 {
			best, nearest = n, d-1
		}
	}
	return best
}

// elsewhere returns the console's line for a word that other tools and people
// use: net/http/pprof, Delve, gdb, shells.
func elsewhere(word string) string {
	switch word {
	case "exit", "q", "bye", "logout", "close":
		return "quit"
	case "?", "man", "usage", "commands":
		return "help"
	case "goroutine", "goroutines", "stacks", "bt", "backtrace", "where", "threads", "grs":
		return "stack"
	case "cpu", "profile", "pprof-profile", "perf":
		return "pprof-cpu -top"
	case "heap", "pprof-mem":
		return "pprof-heap -top"
	case "allocs", "block", "mutex", "threadcreate", "goroutineleak":
		return "pprof " + word + " -top"
	case "leak", "leaks":
		return "stack diff"
	case "mem", "memory", "free":
		return "memstats"
	case "lsof", "files", "sockets", "netstat", "ss", "fd":
		return "fds"
	case "log", "logs", "stderr", "stdout":
		return "tail"
	case "environ", "printenv":
		return "env"
	case "expvar", "expvars":
		return "vars"
	case "gogc", "setgcpercent":
		return "setgc"
	case "gomemlimit", "setmemlimit":
		return "memlimit"
	case "gomaxprocs":
		return "maxprocs"
	case "info", "status":
		return "stats"
	case "modules", "deps":
		return "buildinfo"
	case "deadlock", "locks", "blocking", "waits":
		return "blocked"
	}
	return ""
}

// distance is how many letters must be inserted, removed, replaced or swapped
// with their neighbour to make a into b.
func distance(a, b string) int {
	// Rows of the usual table: two letters ago, one ago, now.
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
