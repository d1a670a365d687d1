package stackdump

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"time"
)

// dumpLine is the first line that WriteJSON writes.
type dumpLine struct {
	Version    int           `json:"stackdump"` // of this format
	Taken      time.Time     `json:"taken"`
	Elapsed    time.Duration `json:"elapsed_ns"`
	Stopped    time.Duration `json:"stopped_ns"`
	Full       bool          `json:"full"`
	System     bool          `json:"system_wanted,omitempty"`
	Dumps      int           `json:"dumps,omitempty"`
	Grouped    int           `json:"grouped_dumps,omitempty"`
	Total      int           `json:"total"`
	Skipped    int           `json:"skipped"`
	Filtered   int           `json:"filtered"`
	Missing    int           `json:"missing"`
	Unlabelled int           `json:"labels_missing"`
	Groups     int           `json:"groups"`

	Folded map[string]int `json:"folded,omitempty"`
	Unseen int            `json:"unseen,omitempty"`
}

// groupLine is the part of the other lines that never grows large.
type groupLine struct {
	Count     int           `json:"count"`
	Dumps     int           `json:"dumps,omitempty"`
	State     string        `json:"state"`
	Locked    bool          `json:"locked,omitempty"`
	System    bool          `json:"system,omitempty"`
	MinWait   time.Duration `json:"min_wait_ns"`
	MaxWait   time.Duration `json:"max_wait_ns"`
	CreatedBy *Frame        `json:"created_by,omitempty"`
	Parent    uint64        `json:"parent,omitempty"`
	Frames    []Frame       `json:"frames"`
}

type labelElement struct {
	Count  int               `json:"count"`
	Labels map[string]string `json:"labels"`
}

type goroutineElement struct {
	ID   uint64        `json:"id"`
	Wait time.Duration `json:"wait_ns,omitempty"`
	Set  *int          `json:"label_set,omitempty"`
	For  string        `json:"waits_for,omitempty"`
}

const jsonVersion = 1

// WriteJSON writes all of the dump, also what Render only sums up, as lines of
// JSON: one object for the dump as a whole and then one for each group, largest
// first. [ReadJSON] reads it.
//
//	{"stackdump":1,"taken":"2026-11-23T05:18:49.2Z","elapsed_ns":912345,"stopped_ns":279800,"full":true,
//	 "total":46,"skipped":2,"filtered":0,"missing":0,"labels_missing":0,"groups":15}
//	{"count":22,"state":"chan send","min_wait_ns":0,"max_wait_ns":120000000000,
//	 "created_by":{"func":"main.start","file":"/src/main.go","line":12},"parent":1,
//	 "frames":[{"func":"main.send","file":"/src/main.go","line":34}],
//	 "labels":[{"count":20,"labels":{"tenant":"blue"}}],
//	 "goroutines":[{"id":18,"wait_ns":120000000000,"label_set":0},{"id":19}]}
//
// The first number is the version of this format; it changes when something
// that is there now means something else. Names ending in _ns are nanoseconds.
// The other names are those of [Dump], [Group] and [Frame], and so are their
// meanings; labels_missing counts the goroutines whose labels did not fit
// into the memory allowed for a capture, groups the lines that follow.
// folded counts, by kind, those of filtered that idle and were folded, and unseen the
// goroutines with frames that the dump lacks and a filter looked for.
// label_set is the place in labels of the set that a goroutine has; if none
// in the group has it, it is not known which have which. A goroutine's waits_for is
// what [Group.Object] returns, in hexadecimal. ancestors, with id, frames and
// created_by each, are those of [Group]. What is not known, false or
// zero may be left out, but for the figures of the example.
//
// Text that is not UTF-8, which JSON cannot hold, is written with U+FFFD in its
// place.
//
// It needs no more memory than one stack, or one set of labels, takes. The error
// is w's.
func (d *Dump) WriteJSON(w io.Writer) error {
	j := jsonWriter{w: bufio.NewWriter(w)}
	j.encoder = json.NewEncoder(&j.buf)
	j.encoder.SetEscapeHTML(false)
	j.value(dumpLine{
		Version: jsonVersion, Taken: d.Taken, Elapsed: d.Elapsed, Stopped: d.Stopped,
		Full: d.Full, System: d.system, Dumps: d.Dumps, Grouped: d.Grouped,
		Total: d.Total, Skipped: d.Skipped, Filtered: d.Filtered, Missing: d.Missing, Unlabelled: d.labelsDropped,
		Groups: len(d.Groups), Folded: d.foldedMap(), Unseen: d.unseen,
	})
	j.text("\n")
	for i := range d.Groups {
		j.group(&d.Groups[i])
	}
	if j.err != nil {
		return j.err
	}
	return j.w.Flush()
}

type jsonWriter struct {
	w       *bufio.Writer
	buf     bytes.Buffer
	encoder *json.Encoder // into buf
	err     error
}

func (j *jsonWriter) text(s string) {
	if j.err == nil {
		_, j.err = j.w.WriteString(s)
	}
}

// open writes a value without its last byte, which closes it.
func (j *jsonWriter) open(v any) {
	if j.err != nil {
		return
	}
	j.buf.Reset()
	if j.err = j.encoder.Encode(v); j.err == nil {
		_, j.err = j.w.Write(j.buf.Bytes()[:j.buf.Len()-2])
	}
}

func (j *jsonWriter) value(v any) {
	j.open(v)
	j.text("}")
}

func (j *jsonWriter) group(g *Group) {
	line := groupLine{
		Count: g.Count, Dumps: g.Dumps, State: g.State, Locked: g.Locked, System: g.System,
		MinWait: g.MinWait, MaxWait: g.MaxWait, Parent: g.Parent, Frames: g.Frames,
	}
	if g.Frames == nil {
		line.Frames = []Frame{}
	}
	if g.CreatedBy != (Frame{}) {
		line.CreatedBy = &g.CreatedBy
	}
	j.open(line)
	j.ancestors(g.Ancestors)
	next := `,"labels":[`
	for _, s := range g.Labels {
		e := labelElement{s.Count, map[string]string{}}
		for _, l := range s.Labels {
			e.Labels[l.Key] = l.Value
		}
		j.text(next)
		j.value(e)
		next = ","
	}
	if len(g.Labels) > 0 {
		j.text("]")
	}
	next = `,"goroutines":[`
	for i, id := range g.IDs {
		e := goroutineElement{ID: id, Wait: time.Duration(g.waits[i]) * time.Minute}
		if g.sets != nil && g.sets[i] >= 0 {
			set := int(g.sets[i])
			e.Set = &set
		}
		if o := g.Object(i); o != 0 {
			e.For = "0x" + strconv.FormatUint(o, 16)
		}
		j.text(next)
		j.value(e)
		next = ","
	}
	if len(g.IDs) > 0 {
		j.text("]")
	}
	j.text("}\n")
}
