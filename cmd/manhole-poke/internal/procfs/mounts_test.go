package procfs

import (
	"strconv"
	"strings"
	"testing"
)

func TestPlaceOf(t *testing.T) {
	mounts, err := ParseMounts([]byte(someMounts))
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]Place{
		"/":            {fs: "254:0", dir: "/"},
		"/var/tmp":     {fs: "254:0", dir: "/var/tmp"},
		"/device":      {fs: "254:0", dir: "/device"},
		"/dev":         {fs: "0:6", dir: "/"},
		"/dev/shm/x":   {fs: "0:27", dir: `/a\040b/x`, ReadOnly: true},
		"/tmp":         {fs: "0:41", dir: "/", ReadOnly: true},
		"/tmp/sub/sub": {fs: "0:41", dir: "/sub/sub", ReadOnly: true},
	} {
		if got, ok := PlaceOf(mounts, dir); !ok || got != want {
			t.Errorf("%s: %+v, %v, want %+v", dir, got, ok, want)
		}
	}
	if got, ok := PlaceOf(mounts[:5], "/tmp"); !ok || got != (Place{fs: "254:0", dir: "/srv"}) {
		t.Errorf("%+v, %v", got, ok)
	}
	if got, ok := PlaceOf(mounts[1:], "/tmp"); ok {
		t.Errorf("without a root: %+v", got)
	}
	for _, bad := range []string{"x\n", strings.Replace(someMounts, " - ", " ", 1), strings.Replace(someMounts, "27 1", "27 x", 1), "1 2 3 4 5 - 7 8 9\n"} {
		if m, err := ParseMounts([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, m)
		}
	}
}

// As many mounts as a namespace may have, one upon the other.
func TestManyMounts(t *testing.T) {
	const n = 100_000 // fs.mount-max
	mounts := []Mount{{id: 1, parent: 0, fs: "0:1", root: "/", dir: "/"}}
	for id := 2; id <= n; id++ {
		mounts = append(mounts, Mount{id: id, parent: id - 1, fs: "0:" + strconv.Itoa(id), root: "/", dir: "/tmp"})
	}
	if place, ok := PlaceOf(mounts, "/tmp"); !ok || place.fs != "0:100000" {
		t.Errorf("%+v", place)
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add([]byte(someMounts), "/tmp")
	f.Add([]byte("1 1 0:1 / / rw - a b rw\n"), "/")
	f.Fuzz(func(_ *testing.T, text []byte, dir string) {
		if mounts, err := ParseMounts(text); err == nil {
			PlaceOf(mounts, dir)
		}
	})
}
