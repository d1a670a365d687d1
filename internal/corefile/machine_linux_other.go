//go:build linux && !amd64 && !arm64

package corefile

const machine = 0 // EM_NONE: no copies are made here
