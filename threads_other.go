//go:build darwin || freebsd || (linux && !(amd64 || arm64))

package lazy

// roomForThreads says so without knowing.
func roomForThreads() bool { return true }
