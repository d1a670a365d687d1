package mark

import (
	"bytes"
	"runtime"
	"testing"
)

func TestFunc(t *testing.T) {
	if Func != "github.com/go-manhole/lazy/internal/mark.Session" {
		t.Error(Func)
	}
	Session(func() {
		stack := make([]byte, 1<<16)
		if stack = stack[:runtime.Stack(stack, false)]; !bytes.Contains(stack, []byte("\n"+Func+"(")) {
			t.Errorf("no %s in\n%s", Func, stack)
		}
	})
}
