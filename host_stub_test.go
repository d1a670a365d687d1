//go:build darwin || freebsd

package lazy_test

func beforeArm(string) {}

func hostDoes(string) string { return "what?" }
