package manual

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/commands"
)

// page is what man(1) makes of the manual for a terminal of any width.
func page(t *testing.T, source string) string {
	t.Helper()
	cmd := exec.Command("mandoc", "-Tascii", "-Owidth=1000", "-Wstop=warning")
	if _, err := exec.LookPath("mandoc"); err != nil {
		if _, err := exec.LookPath("groff"); err != nil {
			t.Skip("neither mandoc nor groff is here")
		}
		cmd = exec.Command("groff", "-ww", "-man", "-Tascii", "-P-c", "-rLL=1000n")
	}
	cmd.Stdin = strings.NewReader(source)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	text := strings.ReplaceAll(complaints.String(), `missing date, using "": TH`, "")
	if strings.Contains(text, "WARNING") || err != nil && complaints.Len() == 0 || len(out) == 0 {
		t.Errorf("%v: %s", err, &complaints)
	}
	var plain []byte // bold and italic type overstrikes
	for i, c := range out {
		if c != '\b' && (i+1 == len(out) || out[i+1] != '\b') {
			plain = append(plain, c)
		}
	}
	return string(plain)
}

func TestMan(t *testing.T) {
	t.Run("sample", func(t *testing.T) { testMan(t, sample()) })
	t.Run("console", func(t *testing.T) { testMan(t, New(Tables{Commands: commands.Builtin()})) })
}

func testMan(t *testing.T, m *Manual) {
	text := page(t, m.Man("v1.2.3", "2026-01-02"))
	flat := strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "<micro>", "u") // as mandoc has it
	holds := func(words string) {
		t.Helper()
		if !strings.Contains(flat, strings.Join(strings.Fields(words), " ")) {
			t.Errorf("the page lacks %q", words)
		}
	}
	// Everything in help is on the page.
	for _, s := range m.sections {
		holds(strings.ToUpper(s.title))
		holds(strings.ReplaceAll(plainText(s.blocks), "µ", "u"))
	}
	holds("manhole-poke - " + Tagline)
	holds("manhole-poke v1.2.3 2026-01-02")
	if t.Failed() {
		t.Log(text)
	}
	page(t, m.Man("", ""))
}

func TestRoff(t *testing.T) {
	for s, want := range map[string]string{
		`a\b`:       `a\eb`,
		"-x 'y' ^~": `\-x \(aqy\(aq \(ha\(ti`,
		"10 µs":     `10 \[u00B5]s`,
	} {
		if got := roff(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
	r := roffWriter{placeholders: map[string]bool{"FILE": true}}
	for s, want := range map[string]string{
		"write -o FILE.":       `write \fB\-o\fR \fIFILE\fR.`,
		"well-known -- FILES.": `well\-known \-\- FILES.`,
		"manhole-poke, armed":  `\fBmanhole\-poke\fR, armed`,
	} {
		if got := r.style(s, isFlag); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
	if r.line(".profile"); r.b.String() != "\\&.profile\n" {
		t.Errorf("%q", r.b.String())
	}
}
