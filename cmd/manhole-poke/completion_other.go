//go:build !unix

package main

func signalCandidates() []candidate { return nil }

// reachable is nothing where nothing can be rung.
func reachable() []goProcess { return nil }
