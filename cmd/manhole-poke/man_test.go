package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/console"
)

// page is what man(1) makes of the manual for a terminal of any width.
func page(t *testing.T) string {
	t.Helper()
	var source bytes.Buffer
	writeMan(&source, manual())
	cmd := exec.Command("mandoc", "-Tascii", "-Owidth=1000", "-Wstop=warning")
	if _, err := exec.LookPath("mandoc"); err != nil {
		if _, err := exec.LookPath("groff"); err != nil {
			t.Skip("neither mandoc nor groff is here")
		}
		cmd = exec.Command("groff", "-ww", "-man", "-Tascii", "-P-c", "-rLL=1000n")
	}
	cmd.Stdin = &source
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	text := strings.ReplaceAll(complaints.String(), `missing date, using "": TH`, "")
	if strings.Contains(text, "WARNING") || err != nil && complaints.Len() == 0 || len(out) == 0 {
		t.Errorf("%v: %s", err, &complaints)
	}
	var plain []byte // bold and italic are struck over
	for i, c := range out {
		if c != '\b' && (i+1 == len(out) || out[i+1] != '\b') {
			plain = append(plain, c)
		}
	}
	return string(plain)
}

func TestManPage(t *testing.T) {
	text := page(t)
	flat := strings.Join(strings.Fields(text), " ")
	holds := func(words string) {
		t.Helper()
		if !strings.Contains(flat, strings.Join(strings.Fields(words), " ")) {
			t.Errorf("the page lacks %q", words)
		}
	}
	for _, s := range manual() {
		holds(strings.ToUpper(s.title))
	}
	for _, s := range statuses {
		holds(fmt.Sprintf("%d %s", s.status, s.meaning))
	}
	for _, s := range subcommands() {
		holds(s.usage() + " " + sentences(s.what, s.more))
	}
	for _, e := range flagTerms() {
		holds(e.name + " " + e.meaning)
	}
	for _, c := range console.Commands() {
		holds(c.Name + " " + c.Args + " " + strings.ReplaceAll(c.What, "µ", "u"))
	}
	holds(`manhole-poke web stack -state 'chan receive' -n 3`)
	if t.Failed() {
		t.Log(text)
	}
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
	r := roffer{map[string]bool{"FILE": true}}
	for s, want := range map[string]string{
		"write -o FILE.":       `write \fB\-o\fR \fIFILE\fR.`,
		"well-known -- FILES.": `well\-known \-\- FILES.`,
		"manhole-poke, armed":  `\fBmanhole\-poke\fR, armed`,
	} {
		if got := r.text(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
	if got := line(".profile"); got != `\&.profile` {
		t.Error(got)
	}
}
