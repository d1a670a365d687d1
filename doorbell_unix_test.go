//go:build (linux && (lazy_ossignal || !(amd64 || arm64))) || darwin || freebsd

package lazy_test

// idleGoroutines is how many goroutines wait in an armed process: the
// doorbell's and that of os/signal.
const idleGoroutines = 2

// resetSilences is whether signal.Reset takes the signal from the doorbell.
const resetSilences = true
