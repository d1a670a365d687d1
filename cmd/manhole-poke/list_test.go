package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

// The strangest processes that can be seen, and an ordinary one.
func someProcesses() []process.Info {
	ordinary := process.Info{PID: 4711, NSPid: new(7), UID: new(1000), User: new("www"), Name: "order-api", Comm: "order-api", Path: new("/srv/order-api"), Go: new("go1.26.8"), Up: new(int64(90061)), Lazy: new("v1.2.3"), Armed: new(true), Signal: new("SIGUSR2"), Socket: new("/tmp/manhole-7")}
	hostile := ordinary
	hostile.PID, hostile.Name, hostile.Deleted = 5, "a\nb\x1b[2J\u009b\u202e\xff\U000e0001 日本", true
	hostile.Socket, hostile.Lazy = new("/run/"+strings.Repeat("x", 100)), new("v0.0.0-20261123051200-ef95283abcde")
	return []process.Info{
		hostile,
		ordinary,
		{PID: 4194304, UID: new(0), User: new("root"), Name: "hidden", Comm: "hidden"},
		{PID: 12, Name: "unarmed", Go: new("go1.20"), Up: new(int64(0)), Lazy: new(""), Armed: new(false)},
	}
}

func TestTable(t *testing.T) {
	ps := someProcesses()
	for _, width := range []int{0, 1000, 300, 120, 80, 60} {
		var out bytes.Buffer
		writeTable(&out, ps, width)
		if !utf8.Valid(out.Bytes()) || strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", out.String())
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 1+len(ps) {
			t.Fatalf("%d lines for %d processes:\n%s", len(lines), len(ps), &out)
		}
		longest := 0
		for i, line := range lines {
			lines[i] += strings.Repeat(" ", 300) // so that each can be cut into columns
			longest = max(longest, utf8.RuneCountInString(line))
			if line != strings.TrimRight(line, " ") {
				t.Errorf("%q ends in spaces", line)
			}
		}
		if width > 0 && longest > width {
			t.Errorf("%d wide, not %d:\n%s", longest, width, &out)
		}
		if uncut := !strings.Contains(out.String(), "…"); uncut != (width == 0 || width >= 300) {
			t.Errorf("at width %d:\n%s", width, &out)
		}
		// Every column but the first starts below its head.
		for _, c := range columns[1:] {
			at := strings.Index(lines[0], c.head)
			for _, line := range lines {
				if r := []rune(line); string(r[at-len(gap):at]) != gap || r[at] == ' ' {
					t.Errorf("at width %d %s is not aligned:\n%s", width, c.head, &out)
				}
			}
		}
	}
	var out bytes.Buffer
	writeTable(&out, ps[1:], 0)
	var cells [][]string
	for line := range strings.Lines(out.String()) {
		cells = append(cells, strings.Fields(line))
	}
	if want := [][]string{
		{"PID", "USER", "NAME", "GO", "UP", "LAZY", "ARMED"},
		{"4711", "www", "order-api", "go1.26.8", "1d1h", "v1.2.3", "SIGUSR2", "/tmp/manhole-7"},
		{"4194304", "root", "hidden", "?", "?", "?", "?"},
		{"12", "?", "unarmed", "go1.20", "0s", "-", "-"},
	}; !reflect.DeepEqual(cells, want) {
		t.Errorf("got %q\nwant %q", cells, want)
	}
}

func TestUpTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59 * time.Second: "59s", time.Minute: "1m0s", 59*time.Minute + 59*time.Second: "59m59s",
		time.Hour: "1h0m", 23*time.Hour + 59*time.Minute: "23h59m", 24 * time.Hour: "1d0h", 1000*time.Hour + time.Minute: "41d16h",
	} {
		if s := upTime(d); s != want {
			t.Errorf("%v: %s, want %s", d, s, want)
		}
	}
}

func TestLines(t *testing.T) {
	ps := someProcesses()
	var out bytes.Buffer
	if err := writeLines(&out, ps); err != nil {
		t.Fatal(err)
	}
	var back []process.Info
	for line := range bytes.Lines(out.Bytes()) {
		if bytes.ContainsFunc(bytes.TrimSuffix(line, []byte("\n")), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", line)
		}
		var p process.Info
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		back = append(back, p)
		// A program finds every name in every line, null where unknown.
		var names map[string]any
		if json.Unmarshal(line, &names); len(names) != reflect.TypeFor[process.Info]().NumField() {
			t.Errorf("%q has %d names", line, len(names))
		}
	}
	ps[0].Name = strings.ToValidUTF8(ps[0].Name, string(utf8.RuneError)) // JSON holds nothing else
	if !reflect.DeepEqual(back, ps) {
		t.Errorf("got %+v\nwant %+v", back, ps)
	}
}
