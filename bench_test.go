//go:build linux || darwin || freebsd

package lazy_test

func serveOSSignal() {}
