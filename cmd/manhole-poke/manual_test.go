package main

import (
	"bytes"
	"flag"
	"go/format"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write doc.go anew")

// The package comment is the manual, and must not fall behind it.
func TestPackageComment(t *testing.T) {
	want, err := format.Source(packageComment())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("doc.go", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("doc.go"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("doc.go is not what the manual says (%v); run go generate ./cmd/manhole-poke", err)
	}
}
