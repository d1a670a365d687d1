package exit

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The table of the statuses in the documentation is Table.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/client.md")
	if err != nil {
		t.Skip(err) // the module alone
	}
	for _, row := range Table {
		if row.Status == Signalled {
			continue // is written as a sum
		}
		want := fmt.Sprintf("| %d | %s | %s |\n", row.Status, row.Meaning, strings.Join(row.Reasons, ", "))
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/client.md lacks %s", want)
		}
	}
}
