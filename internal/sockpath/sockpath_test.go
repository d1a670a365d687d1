package sockpath

import "testing"

func TestPID(t *testing.T) {
	for path, want := range map[string]int{
		"/tmp/manhole-12": 12, "manhole-1": 1, "@manhole-7": 7, "/dev/shm/manhole-3": 3,
		"": 0, "/tmp/manhole-": 0, "/tmp/manhole-x": 0, "/tmp/manhole--1": 0, "/tmp/manhole-99999999999": 0, "/tmp/door": 0,
	} {
		if got := PID(path); got != want {
			t.Errorf("%q: %d", path, got)
		}
	}
	for _, path := range Usual(42) {
		if PID(path) != 42 {
			t.Error(path)
		}
	}
}
