package kernelview

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

func TestDescribe(t *testing.T) {
	p := Process{PID: os.Getpid(), Name: "this test", AsOwner: func(func()) {}}
	r, err := Describe(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `(?s)^What the kernel knows of this test, watched for \d.*\nTHREADS .*\b` + strconv.Itoa(p.PID) + `\b.*\.$`
	if !regexp.MustCompile(want).MatchString(r.Text) {
		t.Errorf("%q", r.Text)
	}
}

func TestDescribeFails(t *testing.T) {
	// More than there can be, PID_MAX_LIMIT in include/linux/threads.h.
	if r, err := Describe(Process{PID: 1<<22 + 1, Name: "nobody", AsOwner: func(func()) {}}); err == nil {
		t.Errorf("%+v", r)
	}
}
