package procfs

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseStatus(t *testing.T) {
	s, err := ParseStatus([]byte(goStatus))
	if err != nil {
		t.Fatal(err)
	}
	want := Status{Name: "order (api)", State: 'S', TGID: 4711, UID: 1001, GID: 1000, CPUs: 2, NSPid: []int{4711, 7}, Ignored: 0x1000, Caught: 0xfffffffd7fc1feff}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v\nwant %+v", s, want)
	}
	if !s.Caught.Has(12) || s.Caught.Has(9) || !s.Ignored.Has(13) || s.Ignored.Has(0) || s.Ignored.Has(65) {
		t.Error("signal n is not bit n-1")
	}
	wide := strings.Replace(goStatus, "SigCgt:\t", "SigCgt:\t0123456789abcdef", 1)
	if w, err := ParseStatus([]byte(wide)); err != nil || w.Caught != s.Caught {
		t.Errorf("128 signals: %x, %v", w.Caught, err)
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
		if s, err := ParseStatus([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(goStatus))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := ParseStatus(text); err == nil && s.State == 0 {
			t.Errorf("no state, no error: %+v", s)
		}
	})
}

func TestPreemptionOff(t *testing.T) {
	for environ, want := range map[string]bool{
		"": false, "A=b\x00GODEBUG=gctrace=1,asyncpreemptoff=1\x00": true, "GODEBUG=asyncpreemptoff=0\x00": false, "XGODEBUG=asyncpreemptoff=1\x00": false,
	} {
		if PreemptionOff([]byte(environ)) != want {
			t.Errorf("%q: got %v", environ, !want)
		}
	}
}

func TestCountList(t *testing.T) {
	for list, want := range map[string]int{"0": 1, "0-3": 4, "0-3,8,10-11": 7} {
		if n, err := countList(list); err != nil || n != want {
			t.Errorf("%q: got %d, %v", list, n, err)
		}
	}
	for _, bad := range []string{"", "x", "3-0", "0-", "0,,1", "0-99999"} {
		if n, err := countList(bad); err == nil {
			t.Errorf("%q: got %d, want an error", bad, n)
		}
	}
}

func FuzzPreemptionOff(f *testing.F) {
	f.Add([]byte("A=b\x00GODEBUG=gctrace=1,asyncpreemptoff=1\x00"))
	f.Fuzz(func(_ *testing.T, environ []byte) { PreemptionOff(environ) })
}
