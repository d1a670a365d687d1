//go:build linux && (amd64 || arm64) && !lazy_ossignal

package lazy_test

// idleGoroutines is how many goroutines wait in an armed process.
const idleGoroutines = 0

// resetSilences is whether signal.Reset takes the signal from the doorbell.
const resetSilences = false
