package fds

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDescriptorsExhausted lists them when none is left to read the list with.
func TestDescriptorsExhausted(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = uint64(file.Fd()) + 1
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Skip(err)
	}
	var filler []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		filler = append(filler, f)
	}
	got, err := descriptors()
	for _, f := range filler {
		f.Close()
	}
	if err != nil || !slices.Contains(got, int(file.Fd())) {
		t.Errorf("%v, %v", got, err)
	}
}
