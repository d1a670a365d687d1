package stackdump

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// Ancestor is a goroutine that started another, at the time when it did. The
// runtime notes them if GODEBUG has tracebackancestors=N.
type Ancestor struct {
	ID        uint64 // 0 if it was not always the same
	Frames    []Frame
	CreatedBy Frame // of the main goroutine, nothing
}

var originating = []byte("[originating from goroutine ")

// ancestors parses what follows the creator of a goroutine:
//
//	[originating from goroutine 5]:
//	main.start(...)
//		/src/main.go:48 +0x3d
//	created by main.main
//		/src/main.go:12 +0x1d
func (p *textParser) ancestors(line, rest []byte) {
	var a *Ancestor
	created := false
	for {
		switch {
		case len(line) == 0:
		case bytes.HasPrefix(line, originating):
			number, _, _ := bytes.Cut(line[len(originating):], []byte("]"))
			id, _ := strconv.ParseUint(string(number), 10, 64)
			p.r.ancestors = append(p.r.ancestors, Ancestor{ID: id})
			a, created = &p.r.ancestors[len(p.r.ancestors)-1], false
		case a == nil:
			return // what a later release adds
		case line[0] == '\t':
			if created {
				p.place(line[1:], &a.CreatedBy)
			} else if n := len(a.Frames); n > 0 {
				p.place(line[1:], &a.Frames[n-1])
			}
		case bytes.HasPrefix(line, createdBy):
			created = true
			a.CreatedBy.Func = p.intern(line[len(createdBy):])
		default:
			a.Frames = append(a.Frames, Frame{Func: p.intern(bytes.TrimSuffix(line, []byte("(...)")))})
		}
		if len(rest) == 0 {
			return
		}
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
}

var createdBy = []byte("created by ")

// sameAncestors compares all but the ids.
func sameAncestors(a, b []Ancestor) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].CreatedBy != b[i].CreatedBy || !slices.Equal(a[i].Frames, b[i].Frames) {
			return false
		}
	}
	return true
}

// joinAncestors forgets the ids that are not the same in others.
func (g *Group) joinAncestors(others []Ancestor) {
	for i := range g.Ancestors {
		if g.Ancestors[i].ID != others[i].ID {
			g.Ancestors[i].ID = 0
		}
	}
}

// withoutIDs returns a copy.
func withoutIDs(ancestors []Ancestor) []Ancestor {
	ancestors = slices.Clone(ancestors)
	for i := range ancestors {
		ancestors[i].ID = 0
	}
	return ancestors
}

// ancestorFrames returns how many frames all have.
func ancestorFrames(ancestors []Ancestor) (n int) {
	for i := range ancestors {
		n += len(ancestors[i].Frames) + 2
	}
	return n
}

func (g *Group) renderAncestors(b *bufio.Writer) {
	for _, a := range g.Ancestors {
		if a.ID == 0 {
			b.WriteString("    originating from more than one goroutine, each in\n")
		} else {
			fmt.Fprintf(b, "    originating from goroutine %d in\n", a.ID)
		}
		renderFrames(b, "      ", a.Frames)
		if a.CreatedBy.Func != "" {
			frameLine(b, "      ", "created by "+a.CreatedBy.Func, a.CreatedBy, 0)
		}
	}
}

// ancestorElement is an Ancestor in JSON.
type ancestorElement struct {
	ID        uint64  `json:"id,omitempty"`
	Frames    []Frame `json:"frames"`
	CreatedBy *Frame  `json:"created_by,omitempty"`
}

// ancestors writes the list of a group, if there is one.
func (j *jsonWriter) ancestors(all []Ancestor) {
	next := `,"ancestors":[`
	for _, a := range all {
		e := ancestorElement{ID: a.ID, Frames: a.Frames}
		if a.CreatedBy != (Frame{}) {
			e.CreatedBy = &a.CreatedBy
		}
		j.text(next)
		j.value(e)
		next = ","
	}
	if len(all) > 0 {
		j.text("]")
	}
}

func (j *jsonReader) ancestor() (a Ancestor, err error) {
	var e ancestorElement
	if err := j.value(&e); err != nil {
		return a, err
	}
	a.ID, a.Frames = e.ID, e.Frames
	if e.CreatedBy != nil {
		a.CreatedBy = *e.CreatedBy
	}
	if err := j.printableFrame(&a.CreatedBy); err != nil {
		return a, err
	}
	for i := range a.Frames {
		if err := j.printableFrame(&a.Frames[i]); err != nil {
			return a, err
		}
	}
	return a, nil
}
