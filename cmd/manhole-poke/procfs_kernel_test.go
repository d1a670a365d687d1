package main

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	goStat       = "4711 (order) (a) R 1 4711 4711 0 -1 4194368 1186 0 7 0 150 50 0 0 20 0 5 0 123 1 2 3 4\n"
	unixSockets  = "Num       RefCount Protocol Flags    Type St Inode Path\n" + listening + connected + datagram + unnamed
	listening    = "00000000877cae42: 00000002 00000000 00010000 0001 01 2080788 /tmp/man hole-5401\n00000000877cae43: 00000002 00000000 00010000 0001 01   788 @manhole-7\n"
	connected    = "000000007311f7cf: 00000003 00000000 00000000 0001 03 2080830 /tmp/manhole-5402\n"
	datagram     = "000000007311f7ce: 00000003 00000000 00010000 0002 03 2080830 /tmp/manhole-5403\n"
	unnamed      = "00000000e10b0be5: 00000003 00000000 00010000 0001 03  1130\n"
	bothCgroups  = "6:freezer:/pods/a:b\n1:cpu,cpuacct:/pods/a\n4:memory:/../other\n0::/pods/a.slice\n"
	memPressure  = "some avg10=40.16 avg60=0.48 avg300=0.54 total=2271987564\nfull avg10=12.50 avg60=0.00 avg300=0.00 total=0\n"
	kernelFrames = "[<0>] io_schedule+0x46/0x70\n[<0>] folio_wait_bit_common+0x13d/0x350\n[<0>] __x64_sys_read+0x1/0x2\n[<0>] do_syscall_64+0x71/0x280\n"
)

func TestParseStat(t *testing.T) {
	s, err := parseStat([]byte(goStat))
	want := procStat{name: "order) (a", state: 'R', flags: 4194368, majorFaults: 7, user: 1500 * time.Millisecond, system: 500 * time.Millisecond}
	if err != nil || s != want {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, bad := range []string{"", "4711 (x", "4711 x) S 1", strings.Replace(goStat, "150", "x", 1), strings.Replace(goStat, ") R", ") ", 1)} {
		if s, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
	if s, err := parseStat([]byte(strings.Replace(goStat, "150", "9223372036854775807", 1))); err != nil || s.user < 0 {
		t.Errorf("very long: %v, %v", s.user, err)
	}
}

func TestParseSchedstat(t *testing.T) {
	s, err := parseSchedstat([]byte("242652331 39844255 670\n"))
	if want := (procSchedstat{242652331, 39844255, 670}); err != nil || s != want {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 2", "1 2 x", "-1 2 3"} {
		if s, err := parseSchedstat([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
}

func TestParseSyscall(t *testing.T) {
	for text, want := range map[string]procSyscall{
		"running\n":              {running: true, number: noSyscall},
		"-1 0x7ffc 0x7f1c7b06\n": {number: noSyscall},
		"0 0x9 0xc0000a 0x1 0x0 0x0 0x0 0x7ffc 0x7f1c7b06\n": {number: 0, args: []uint64{9, 0xc0000a, 1, 0, 0, 0}},
	} {
		if s, err := parseSyscall([]byte(text)); err != nil || !reflect.DeepEqual(s, want) {
			t.Errorf("%q: got %+v, %v", text, s, err)
		}
	}
	for _, bad := range []string{"", "-2", "x", "0 0x9 y 0x1 0x0 0x0 0x0"} {
		if s, err := parseSyscall([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
}

func TestParseCgroups(t *testing.T) {
	got := parseCgroups([]byte(bothCgroups))
	want := map[string]string{"freezer": "/pods/a:b", "cpu": "/pods/a", "cpuacct": "/pods/a", "": "/pods/a.slice"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestParseCounts(t *testing.T) {
	got := parseCounts([]byte("populated 1\nfrozen 0\nnr_throttled 12\nodd\nbad x\n"))
	if want := map[string]uint64{"populated": 1, "frozen": 0, "nr_throttled": 12}; !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestParsePressure(t *testing.T) {
	if percent, ok := parsePressure([]byte(memPressure)); !ok || percent != 12.5 {
		t.Errorf("got %v, %v", percent, ok)
	}
	for _, bad := range []string{"", "some avg10=1", "full avg10=x", "full avg10=NaN", "full avg10=200", "full 10"} {
		if percent, ok := parsePressure([]byte(bad)); ok {
			t.Errorf("%q: got %v", bad, percent)
		}
	}
}

func TestParseUnixListeners(t *testing.T) {
	got := parseUnixListeners([]byte(unixSockets))
	if want := []string{"/tmp/man hole-5401", "@manhole-7"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestParseKernelStack(t *testing.T) {
	got := parseKernelStack([]byte(kernelFrames))
	if want := []string{"io_schedule", "folio_wait_bit_common"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestPreemptionOff(t *testing.T) {
	for environ, want := range map[string]bool{
		"": false, "A=b\x00GODEBUG=gctrace=1,asyncpreemptoff=1\x00": true, "GODEBUG=asyncpreemptoff=0\x00": false, "XGODEBUG=asyncpreemptoff=1\x00": false,
	} {
		if preemptionOff([]byte(environ)) != want {
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

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(goStat))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseStat(text); err == nil && (s.state == 0 || s.user < 0 || s.system < 0) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

func FuzzParseSchedstat(f *testing.F) {
	f.Add([]byte("242652331 39844255 670\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseSchedstat(text); err == nil && (s.ran < 0 || s.waited < 0) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

func FuzzParseSyscall(f *testing.F) {
	f.Add([]byte("0 0x9 0xc0000a 0x1 0x0 0x0 0x0 0x7ffc 0x7f1c7b06\n"))
	f.Add([]byte("running\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseSyscall(text); err == nil && (s.number < noSyscall || len(s.args) != 0 && len(s.args) != 6) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

func FuzzParseCgroups(f *testing.F) {
	f.Add([]byte(bothCgroups))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, path := range parseCgroups(text) {
			if path[0] != '/' || slices.Contains(strings.Split(path, "/"), "..") {
				t.Errorf("%q: %q", text, path)
			}
		}
	})
}

func FuzzParseCounts(f *testing.F) {
	f.Add([]byte("populated 1\nfrozen 0\n"))
	f.Fuzz(func(_ *testing.T, text []byte) { parseCounts(text) })
}

func FuzzParsePressure(f *testing.F) {
	f.Add([]byte(memPressure))
	f.Fuzz(func(t *testing.T, text []byte) {
		if percent, ok := parsePressure(text); ok && !(percent >= 0 && percent <= 100) {
			t.Errorf("%q: %v", text, percent)
		}
	})
}

func FuzzParseUnixListeners(f *testing.F) {
	f.Add([]byte(unixSockets))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, path := range parseUnixListeners(text) {
			if path[0] != '/' && path[0] != '@' || len(path) > maxPath {
				t.Errorf("%q: %q", text, path)
			}
		}
	})
}

func FuzzParseKernelStack(f *testing.F) {
	f.Add([]byte(kernelFrames))
	f.Fuzz(func(_ *testing.T, text []byte) { parseKernelStack(text) })
}

func FuzzPreemptionOff(f *testing.F) {
	f.Add([]byte("A=b\x00GODEBUG=gctrace=1,asyncpreemptoff=1\x00"))
	f.Fuzz(func(_ *testing.T, environ []byte) { preemptionOff(environ) })
}
