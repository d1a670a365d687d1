package exit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	reasons := map[string]bool{}
	for i, row := range Table {
		if i > 0 && row.Status <= Table[i-1].Status {
			t.Errorf("%d comes after %d", row.Status, Table[i-1].Status)
		}
		if row.Meaning == "" || (row.Reasons == nil) != (row.Status == OK) {
			t.Errorf("%+v", row)
		}
		for _, r := range row.Reasons {
			if reasons[r] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(r) {
				t.Errorf("reason %q", r)
			}
			reasons[r] = true
		}
	}
}

// What the client exits with is what the table lists, and the table lists
// nothing else.
func TestReasons(t *testing.T) {
	names := map[string]Status{
		"OK": OK, "Command": Command, "Usage": Usage, "NotFound": NotFound, "NotArmed": NotArmed, "Denied": Denied, "Busy": Busy,
		"Timeout": Timeout, "Broken": Broken, "Partial": Partial, "LocalIO": LocalIO, "Unsupported": Unsupported, "Signalled": Signalled,
	}
	listed, used := map[string]Status{}, map[string]bool{"local-io": true}
	for _, row := range Table {
		for _, r := range row.Reasons {
			listed[r] = row.Status
		}
	}
	calls := []*regexp.Regexp{
		regexp.MustCompile(`(?:exit\.Errorf|\.fail)\(exit\.(\w+)(?:\+[^,]*)?, "([^"]*)"`),
		regexp.MustCompile(`\.(No)Answer\("([^"]*)"`),
	}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, call := range calls {
			for _, m := range call.FindAllStringSubmatch(string(source), -1) {
				status := Timeout // of NoAnswer
				if m[1] != "No" {
					status = names[m[1]]
				}
				if s, ok := listed[m[2]]; !ok || s != status {
					t.Errorf("%s: %q with status %d is not in the table", path, m[2], status)
				}
				used[m[2]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for r := range listed {
		if !used[r] {
			t.Errorf("nothing fails with %q", r)
		}
	}
}

func TestError(t *testing.T) {
	err := fmt.Errorf("x: %w", Errorf(Busy, "busy", "%s\n\x1b[2J", "y"))
	if s, r := StatusOf(err), ReasonOf(err); s != Busy || r != "busy" || err.Error() != "x: y \ufffd[2J" {
		t.Error(s, r, err)
	}
	if s, r := StatusOf(errors.New("x")), ReasonOf(errors.New("x")); s != LocalIO || r != "local-io" {
		t.Error(s, r)
	}
	if s, r := StatusOf(nil), ReasonOf(nil); s != OK || r != "" {
		t.Error(s, r)
	}
}

func TestView(t *testing.T) {
	err := Errorf(Timeout, "no-greeting", "x")
	seen := WithView(err, "view")
	if ViewOf(err) != "" || ViewOf(seen) != "view" || seen.Error() != "x" || ViewOf(WithView(seen, "")) != "" {
		t.Error(ViewOf(err), ViewOf(seen))
	}
	if WithView(nil, "") != nil || ViewOf(nil) != "" {
		t.Error("of nil")
	}
}
