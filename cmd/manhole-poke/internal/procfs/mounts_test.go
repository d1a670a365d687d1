package procfs

import (
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

func FuzzParseMounts(f *testing.F) {
	f.Add([]byte(someMounts), "/tmp")
	f.Add([]byte("1 1 0:1 / / rw - a b rw\n"), "/")
	f.Fuzz(func(_ *testing.T, text []byte, dir string) {
		if mounts, err := ParseMounts(text); err == nil {
			PlaceOf(mounts, dir)
		}
	})
}
