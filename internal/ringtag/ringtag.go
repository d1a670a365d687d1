// Package ringtag is the mark by which a process knows a ring of manhole-poke
// from any other SIGUSR2: the value that sigqueue(3) sends along. A tagged ring
// is lazy's alone; the handler does not pass it on to the program.
package ringtag

// Value is the value of a tagged ring (si_value, with si_code SI_QUEUE): the
// bytes "lazyring" on a little-endian processor.
const Value = 0x676e6972797a616c

// Copy is the value of a signal that asks for a frozen copy of the process
// (package freeze) instead of a session: the bytes "lazycopy".
const Copy = 0x79706f63797a616c
