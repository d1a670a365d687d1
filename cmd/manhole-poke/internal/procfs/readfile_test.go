package procfs

import (
	"os"
	"testing"
)

func TestReadFile(t *testing.T) {
	name := t.TempDir() + "/file"
	for size, ok := range map[int64]bool{0: true, MaxFile: true, MaxFile + 1: false, 1 << 40: false} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		text, err := ReadFile(name)
		if (err == nil) != ok || ok && int64(len(text)) != size || len(text) > MaxFile+1 {
			t.Errorf("%d bytes: %d, %v", size, len(text), err)
		}
	}
}
