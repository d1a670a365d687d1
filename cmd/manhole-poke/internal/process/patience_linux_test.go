package process

import (
	"testing"
	"time"
)

// In the deputy, before its init function runs.
var _ = func() bool {
	duties["spin"] = func(*Process, question, *reply) int {
		for start := time.Now(); time.Since(start) < 2*time.Second; {
		}
		return -1
	}
	duties["wait"] = func(*Process, question, *reply) int { select {} }
	return true
}()

// On an overloaded machine a child gets no CPU, and all that it does takes long.
func TestAskBusy(t *testing.T) {
	if _, _, err := ask(question{Do: "spin"}, time.Second); err != nil {
		t.Errorf("busy: %v", err)
	}
	if _, _, err := ask(question{Do: "wait"}, 200*time.Millisecond); err != errLate {
		t.Errorf("waiting: %v", err)
	}
}
