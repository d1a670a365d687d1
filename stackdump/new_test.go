package stackdump

import (
	"strings"
	"testing"
	"time"
)

func TestNew(t *testing.T) {
	wait := []Frame{{"runtime.gopark", "proc.go", 1}, {"main.wait", "main.go", 7}}
	by := Frame{"main.main", "main.go", 3}
	d := New(time.Unix(1, 0), []Goroutine{
		{1, "running", []Frame{{"main.spin", "main.go", 9}}, Frame{}},
		{7, "chan receive", wait, by}, {5, "chan receive", wait, by},
	}, 2)
	if d.Total != 5 || d.Missing != 2 || len(d.Groups) != 2 || d.Groups[0].Count != 2 || d.Groups[0].CreatedBy != by {
		t.Errorf("%+v", d)
	}
	var b strings.Builder
	if err := d.Render(&b, RenderOptions{}); err != nil || !strings.Contains(b.String(), "main.spin") || !strings.Contains(b.String(), "ids 5 7") {
		t.Errorf("%v\n%s", err, &b)
	}
}
