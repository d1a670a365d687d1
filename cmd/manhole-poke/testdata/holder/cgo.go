//go:build withcgo

package main

// int answer = 42;
import "C"

func init() { _ = C.answer }
