// Package procfs reads what Linux tells of a process, in the formats of
// proc(5). It touches nothing of the system: it gets the text, in part out of
// what the process chose (its name), and believes none of it.
package procfs
