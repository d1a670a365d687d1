//go:build !linux && !darwin && !freebsd

package listing

import (
	"os"
	"testing"
)

func fifo(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
}
