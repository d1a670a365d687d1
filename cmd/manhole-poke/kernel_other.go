//go:build !linux

package main

func kernel(options, []string) error {
	return failf(statusUnsupported, "only Linux shows a process's threads to others; try kill -QUIT PID, which has a Go program print its stacks and end")
}
