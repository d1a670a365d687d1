package main

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// As Linux 6.18 prints it for an armed Go program in a pid namespace.
const goStatus = "Name:\torder (api)\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4711\nPPid:\t1\nTracerPid:\t0\n" +
	"Uid:\t1000\t1001\t1002\t1003\nGid:\t1000\t1000\t1000\t1000\nFDSize:\t64\nGroups:\t \nNStgid:\t4711\t7\nNSpid:\t4711\t7\n" +
	"Threads:\t5\nCpus_allowed_list:\t0-1\nSigQ:\t0/31407\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n" +
	"SigIgn:\t0000000000001000\nSigCgt:\tfffffffd7fc1feff\nCapInh:\t0000000000000000\nSeccomp:\t0\n"

const (
	sleepStat = "4712 (sleep) S 4711 4712 4711 34816 4712 4194304 97 0 0 0 0 0 0 0 20 0 1 0 123 5 6\n"
	armedText = "lazy=1\npid=7\nsignal=SIGUSR2\nsigno=12\npath=/tmp/manhole-7\n"
)

func TestParseStatus(t *testing.T) {
	s, err := parseStatus([]byte(goStatus))
	if err != nil {
		t.Fatal(err)
	}
	want := procStatus{name: "order (api)", state: 'S', tgid: 4711, uid: 1001, gid: 1000, cpus: 2, nspid: []int{4711, 7}, ignored: 0x1000, caught: 0xfffffffd7fc1feff}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v\nwant %+v", s, want)
	}
	if !s.caught.has(12) || s.caught.has(9) || !s.ignored.has(13) || s.ignored.has(0) || s.ignored.has(65) {
		t.Error("signal n is not bit n-1")
	}
	wide := strings.Replace(goStatus, "SigCgt:\t", "SigCgt:\t0123456789abcdef", 1)
	if w, err := parseStatus([]byte(wide)); err != nil || w.caught != s.caught {
		t.Errorf("128 signals: %x, %v", w.caught, err)
	}
	for _, bad := range []string{
		"", "Name:\tx\n",
		strings.Replace(goStatus, "SigCgt:\t", "SigXxx:\t", 1),
		strings.Replace(goStatus, "SigCgt:\tf", "SigCgt:\tz", 1),
		strings.Replace(goStatus, "1000\t1001", "", 1)[:80],
		strings.Replace(goStatus, "Tgid:\t4711", "Tgid:\t", 1),
		strings.Replace(goStatus, "S (sleeping)", "", 1),
		strings.Replace(goStatus, "Gid:\t1000\t1000", "Gid:\t1000\tx", 1),
		strings.Replace(goStatus, "TracerPid:\t0", "TracerPid:\t", 1),
		strings.Replace(goStatus, "0-1", "1-0", 1),
		strings.Replace(goStatus, "NSpid:\t4711\t7", "NSpid:\t4711\tx", 1),
	} {
		if s, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
}

func TestExiting(t *testing.T) {
	for text, want := range map[string]bool{
		"":                 false,
		"4712 (x":          false,
		"4712 (x) S 1 2 3": false,
		sleepStat:          false,
		strings.Replace(sleepStat, "4194304", "4194308", 1):                 true,
		strings.Replace(sleepStat, ") S", ") Z", 1):                         true,
		strings.Replace(sleepStat, "(sleep)", "(a) Z 1 2 3 4 5 4 7 (b)", 1): false,
	} {
		if exiting([]byte(text)) != want {
			t.Errorf("%q: got %v", text, !want)
		}
	}
}

func TestParseArmedNote(t *testing.T) {
	n, err := parseArmedNote([]byte(armedText))
	if want := (armedNote{7, 12, "/tmp/manhole-7"}); err != nil || n != want {
		t.Errorf("got %+v, %v", n, err)
	}
	n, err = parseArmedNote([]byte(strings.Replace(armedText, "/tmp/", "@", 1)))
	if want := (armedNote{7, 12, "@manhole-7"}); err != nil || n != want {
		t.Errorf("without a file: got %+v, %v", n, err)
	}
	for _, bad := range []string{
		"",
		strings.Replace(armedText, "/tmp/manhole-7", "@", 1),
		strings.Replace(armedText, "/tmp/manhole-7", "", 1),
		strings.Replace(armedText, "lazy=1", "lazy=2", 1),
		strings.Replace(armedText, "pid=7", "pid=-7", 1),
		strings.Replace(armedText, "signo=12", "signo=65", 1),
		strings.Replace(armedText, "signo=12", "signo=", 1),
		strings.Replace(armedText, "/tmp", "tmp", 1),
		strings.Replace(armedText, "/tmp", "/\x1b[2J", 1),
		strings.Replace(armedText, "/tmp", "/"+strings.Repeat("x", 107), 1),
		armedText + strings.Repeat("x", armedNoteMax),
	} {
		if n, err := parseArmedNote([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, n)
		}
	}
}

// As Linux 6.18 prints it where /tmp was mounted over, and a directory in it.
const someMounts = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
25 27 0:6 / /dev rw,relatime shared:2 - devtmpfs devtmpfs rw,mode=755
30 25 0:27 /a\040b /dev/shm ro,relatime shared:3 master:1 - tmpfs none rw
70 27 0:40 / /tmp/sub rw - tmpfs none rw
71 27 254:0 /srv /tmp rw - ext4 /dev/vda rw
72 71 0:41 / /tmp rw - tmpfs none ro,size=4k
`

func TestPlaceOf(t *testing.T) {
	mounts, err := parseMounts([]byte(someMounts))
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]place{
		"/":            {fs: "254:0", dir: "/"},
		"/var/tmp":     {fs: "254:0", dir: "/var/tmp"},
		"/device":      {fs: "254:0", dir: "/device"},
		"/dev":         {fs: "0:6", dir: "/"},
		"/dev/shm/x":   {fs: "0:27", dir: `/a\040b/x`, readOnly: true},
		"/tmp":         {fs: "0:41", dir: "/", readOnly: true},
		"/tmp/sub/sub": {fs: "0:41", dir: "/sub/sub", readOnly: true},
	} {
		if got, ok := placeOf(mounts, dir); !ok || got != want {
			t.Errorf("%s: %+v, %v, want %+v", dir, got, ok, want)
		}
	}
	if got, ok := placeOf(mounts[:5], "/tmp"); !ok || got != (place{fs: "254:0", dir: "/srv"}) {
		t.Errorf("%+v, %v", got, ok)
	}
	if got, ok := placeOf(mounts[1:], "/tmp"); ok {
		t.Errorf("without a root: %+v", got)
	}
	for _, bad := range []string{"x\n", strings.Replace(someMounts, " - ", " ", 1), strings.Replace(someMounts, "27 1", "27 x", 1), "1 2 3 4 5 - 7 8 9\n"} {
		if m, err := parseMounts([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, m)
		}
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add([]byte(someMounts), "/tmp")
	f.Add([]byte("1 1 0:1 / / rw - a b rw\n"), "/")
	f.Fuzz(func(_ *testing.T, text []byte, dir string) {
		if mounts, err := parseMounts(text); err == nil {
			placeOf(mounts, dir)
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(goStatus))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseStatus(text); err == nil && s.state == 0 {
			t.Errorf("no state, no error: %+v", s)
		}
	})
}

func FuzzExiting(f *testing.F) {
	f.Add([]byte(sleepStat))
	f.Fuzz(func(_ *testing.T, text []byte) { exiting(text) })
}

func FuzzParseArmedNote(f *testing.F) {
	f.Add([]byte(armedText))
	f.Add([]byte(strings.Replace(armedText, "/tmp/", "@", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := parseArmedNote(text)
		if err == nil && (n.pid <= 0 || n.signal < 1 || n.signal > 64 || len(n.path) < 1 || n.path[0] != '/' && n.path[0] != '@' || len(n.path) > maxPath) {
			t.Errorf("believed %q: %+v", text, n)
		}
	})
}

func FuzzOneLine(f *testing.F) {
	f.Add("name\n\x1b[2J\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if l := oneLine(s); strings.ContainsAny(l, "\n\r\x1b\t") || !utf8.ValidString(l) {
			t.Errorf("%q became %q", s, l)
		}
	})
}
