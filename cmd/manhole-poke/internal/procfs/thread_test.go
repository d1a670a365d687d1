package procfs

import (
	"reflect"
	"slices"
	"testing"
)

func TestParseSchedstat(t *testing.T) {
	s, err := ParseSchedstat([]byte("242652331 39844255 670\n"))
	if want := (Schedstat{242652331, 39844255, 670}); err != nil || s != want {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 2", "1 2 x", "-1 2 3"} {
		if s, err := ParseSchedstat([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
}

func TestParseSyscall(t *testing.T) {
	for text, want := range map[string]Syscall{
		"running\n":                                          {Running: true, Number: NoSyscall},
		"-1 0x7ffc 0x7f1c7b06\n":                             {Number: NoSyscall, SP: 0x7ffc, PC: 0x7f1c7b06},
		"0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n":                {Number: NoSyscall},
		"0 0x9 0xc0000a 0x1 0x0 0x0 0x0 0x7ffc 0x7f1c7b06\n": {Number: 0, Args: []uint64{9, 0xc0000a, 1, 0, 0, 0}, SP: 0x7ffc, PC: 0x7f1c7b06},
	} {
		if s, err := ParseSyscall([]byte(text)); err != nil || !reflect.DeepEqual(s, want) {
			t.Errorf("%q: got %+v, %v", text, s, err)
		}
	}
	for _, bad := range []string{"", "-2", "x", "0 0x9 y 0x1 0x0 0x0 0x0"} {
		if s, err := ParseSyscall([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
}

func TestParseKernelStack(t *testing.T) {
	got := ParseKernelStack([]byte(kernelFrames))
	if want := []string{"io_schedule", "folio_wait_bit_common"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func FuzzParseSchedstat(f *testing.F) {
	f.Add([]byte("242652331 39844255 670\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := ParseSchedstat(text); err == nil && (s.Ran < 0 || s.Waited < 0) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

func FuzzParseSyscall(f *testing.F) {
	f.Add([]byte("0 0x9 0xc0000a 0x1 0x0 0x0 0x0 0x7ffc 0x7f1c7b06\n"))
	f.Add([]byte("running\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := ParseSyscall(text); err == nil && (s.Number < NoSyscall || len(s.Args) != 0 && len(s.Args) != 6) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

func FuzzParseKernelStack(f *testing.F) {
	f.Add([]byte(kernelFrames))
	f.Fuzz(func(_ *testing.T, text []byte) { ParseKernelStack(text) })
}
