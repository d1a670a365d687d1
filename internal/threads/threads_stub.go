//go:build !(linux && (amd64 || arm64))

package threads

// CanStart returns true. It does not know.
func CanStart(n int) bool { return true }
