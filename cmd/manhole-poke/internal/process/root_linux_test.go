package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenWithin(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	for _, err := range []error{
		os.MkdirAll(root+"/a/b", 0o755),
		os.WriteFile(root+"/a/b/file", nil, 0o644),
		os.WriteFile(outside+"/file", nil, 0o644),
		os.Symlink("b", root+"/a/inside"),
		os.Symlink(outside, root+"/out"),
		os.Symlink("../../../../../../../.."+outside, root+"/up"),
		os.Symlink(outside+"/file", root+"/link"),
		os.Symlink("/proc/self/root", root+"/magic"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for name, open := range map[string]func(int, string) (int, error){"openat2": OpenWithin, "slowly": openWithinSlowly} {
		for path, want := range map[string]string{
			"/a/b/file": "file", "/a/inside/file": "file", "//a//b//file": "file", "/link": "link", "/none": "",
			"/out/file": "", "/up/file": "", "/magic" + outside + "/file": "", "/a/b/file/x": "",
		} {
			fd, err := open(int(dir.Fd()), path)
			if want == "" {
				if err == nil {
					t.Errorf("%s: %s was opened", name, path)
					unix.Close(fd)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %s: %v", name, path, err)
				continue
			}
			if got, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err != nil || filepath.Base(got) != want || !strings.HasPrefix(got, root) {
				t.Errorf("%s: %s is %s, %v", name, path, got, err)
			}
			unix.Close(fd)
		}
	}
}
