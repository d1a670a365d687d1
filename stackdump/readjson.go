package stackdump

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-manhole/lazy/internal/memory"

	"github.com/go-manhole/lazy/internal/order"
)

// What ReadJSON takes. A dump holds at most maxHeld by its own count; the names
// of functions and files come on top of that here.
const (
	maxRead  = 2 * maxHeld
	maxJSON  = 1 << 30       // bytes in all
	maxValue = 1 << 20       // bytes of one stack or one set of labels
	maxCount = math.MaxInt32 // goroutines
)

var (
	errMuch   = errors.New("more than any dump holds")
	errLarge  = fmt.Errorf("one value takes more than %s", memory.Show(maxValue))
	errSums   = errors.New("the numbers of goroutines do not add up")
	errFollow = errors.New("something follows the dump")
)

// ReadJSON reads one dump, up to the end of r, as [Dump.WriteJSON] wrote it,
// perhaps in another process, which is not trusted: it reads at most 1 GiB and
// keeps some 128 MiB, and characters that cannot be printed become U+FFFD,
// except in labels, which Render quotes.
//
// It fails if the dump was cut off, and if it contradicts itself. Fields that it
// does not know are passed over.
func ReadJSON(r io.Reader) (*Dump, error) { return readJSON(r, maxJSON, maxRead) }

func readJSON(r io.Reader, maxJSON, maxHeld int) (*Dump, error) {
	b := &budget{r: r, all: maxJSON, left: maxValue}
	j := &jsonReader{budget: b, dec: json.NewDecoder(b), strings: map[string]string{}, room: maxHeld}
	var head dumpLine
	if err := j.value(&head); err != nil {
		return nil, fmt.Errorf("no dump of goroutines in JSON: %w", err)
	}
	if head.Version != jsonVersion {
		return nil, fmt.Errorf("no dump of goroutines in JSON, or one in another version of it: stackdump is %d, not %d", head.Version, jsonVersion)
	}
	d := &Dump{
		Taken: head.Taken, Elapsed: head.Elapsed, Stopped: head.Stopped,
		Full: head.Full, system: head.System, Dumps: head.Dumps, Grouped: head.Grouped,
		Total: head.Total, Skipped: head.Skipped, Filtered: head.Filtered, Missing: head.Missing, labelsDropped: head.Unlabelled,
	}
	if err := d.readFolded(j, &head); err != nil {
		return nil, err
	}
	if err := numbers(int64(d.Elapsed), int64(d.Stopped)); err != nil {
		return nil, err
	}
	for _, n := range []int{d.Dumps, d.Grouped, d.Total, d.Skipped, d.Filtered, d.Missing, d.labelsDropped, d.unseen, head.Groups} {
		if n < 0 || n > maxCount {
			return nil, fmt.Errorf("%d of something: %w", n, errMuch)
		}
	}
	sum := int64(d.Skipped) + int64(d.Filtered) + int64(d.Missing)
	for i := range head.Groups {
		g, err := j.group()
		if err == io.EOF || isCutOff(err) {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = g.valid(d)
		}
		if err != nil {
			return nil, fmt.Errorf("group %d of %d: %w", i+1, head.Groups, err)
		}
		d.Groups = append(d.Groups, g)
		sum += int64(g.Count)
	}
	if sum != int64(d.Total) || d.Grouped > d.Dumps || d.Dumps > 0 && d.Full != (d.Grouped == 0) {
		return nil, errSums
	}
	if _, err := j.dec.Token(); err == nil {
		return nil, errFollow
	} else if err != io.EOF {
		return nil, fmt.Errorf("%w: %w", errFollow, err)
	}
	order.Stable(d.Groups, func(a, b Group) int { return b.Count - a.Count })
	return d, nil
}

// isCutOff reports whether the decoder met the end of the input inside a value.
// Up to Go 1.26 it says so with io.EOF or io.ErrUnexpectedEOF alone.
func isCutOff(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input"
}

func numbers(all ...int64) error {
	for _, n := range all {
		if n < 0 {
			return fmt.Errorf("%d is negative", n)
		}
	}
	return nil
}

// jsonReader decodes in small pieces, of which budget bounds each and hold
// the sum.
type jsonReader struct {
	budget  *budget
	dec     *json.Decoder
	strings map[string]string
	room    int
}

// budget ends a value that grows too large before the decoder holds it, and a
// dump that does not end.
type budget struct {
	r    io.Reader
	all  int
	left int // of the value
}

func (b *budget) Read(p []byte) (int, error) {
	switch {
	case b.left <= 0:
		return 0, errLarge
	case b.all <= 0:
		return 0, errMuch
	}
	n, err := b.r.Read(p[:min(len(p), b.left, b.all)])
	b.left -= n
	b.all -= n
	return n, err
}

func (j *jsonReader) hold(n int) error {
	if j.room -= n; j.room < 0 {
		return errMuch
	}
	return nil
}

// value decodes one value.
func (j *jsonReader) value(v any) error {
	j.budget.left = maxValue
	return j.dec.Decode(v)
}

// list calls each for each value of an array, or none for null.
func (j *jsonReader) list(each func() error) error {
	switch t, err := j.dec.Token(); {
	case err != nil:
		return err
	case t == nil:
		return nil
	case t != json.Delim('['):
		return fmt.Errorf("%v is not a list", t)
	}
	for j.dec.More() {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := j.dec.Token()
	return err
}

func (j *jsonReader) group() (g Group, err error) {
	j.budget.left = maxValue
	t, err := j.dec.Token()
	if err != nil {
		return g, err
	}
	if t != json.Delim('{') {
		return g, fmt.Errorf("%v is not a group", t)
	}
	if err := j.hold(300); err != nil {
		return g, err
	}
	var sets []int32
	for j.dec.More() {
		name, err := j.dec.Token()
		if err != nil {
			return g, err
		}
		switch name {
		case "count":
			err = j.value(&g.Count)
		case "dumps":
			err = j.value(&g.Dumps)
		case "state":
			if err = j.value(&g.State); err == nil {
				g.State, err = j.printable(g.State)
			}
		case "locked":
			err = j.value(&g.Locked)
		case "system":
			err = j.value(&g.System)
		case "min_wait_ns":
			err = j.value(&g.MinWait)
		case "max_wait_ns":
			err = j.value(&g.MaxWait)
		case "created_by":
			g.CreatedBy, err = j.frame()
		case "parent":
			err = j.value(&g.Parent)
		case "frames":
			err = j.list(func() error {
				f, err := j.frame()
				g.Frames = append(g.Frames, f)
				return err
			})
		case "ancestors":
			err = j.list(func() error {
				a, err := j.ancestor()
				g.Ancestors = append(g.Ancestors, a)
				return err
			})
		case "labels":
			err = j.list(func() error {
				s, err := j.labels()
				g.Labels = append(g.Labels, s)
				return err
			})
		case "goroutines":
			err = j.list(func() error {
				id, wait, set, object, err := j.goroutine()
				if object != 0 && g.objects == nil {
					g.objects = make([]uint64, len(g.IDs))
				}
				if g.objects != nil {
					g.objects = append(g.objects, object)
				}
				g.IDs, g.waits, sets = append(g.IDs, id), append(g.waits, wait), append(sets, set)
				return err
			})
		default:
			var skipped json.RawMessage
			err = j.value(&skipped)
		}
		if err != nil {
			return g, fmt.Errorf("%v: %w", name, err)
		}
	}
	if len(g.Labels) == 0 || slices.ContainsFunc(sets, func(s int32) bool { return s >= 0 }) {
		g.sets = sets
	}
	_, err = j.dec.Token()
	return g, err
}

func (j *jsonReader) frame() (f Frame, err error) {
	if err := j.value(&f); err != nil {
		return f, err
	}
	return f, j.printableFrame(&f)
}

func (j *jsonReader) printableFrame(f *Frame) (err error) {
	if err := numbers(int64(f.Line)); err != nil {
		return err
	}
	if err := j.hold(40); err != nil {
		return err
	}
	if f.Func, err = j.printable(f.Func); err == nil {
		f.File, err = j.printable(f.File)
	}
	return err
}

func (j *jsonReader) labels() (s LabelSet, err error) {
	var e labelElement
	if err := j.value(&e); err != nil {
		return s, err
	}
	n := 150
	for k, v := range e.Labels {
		n += 2 * (len(k) + len(v))
		s.Labels = append(s.Labels, Label{k, v})
	}
	order.Sort(s.Labels, compareLabels)
	s.Count = e.Count
	return s, j.hold(n)
}

func (j *jsonReader) goroutine() (id uint64, wait, set int32, object uint64, err error) {
	var e goroutineElement
	if err := j.value(&e); err != nil {
		return 0, 0, 0, 0, err
	}
	minutes := e.Wait / time.Minute
	if e.ID == 0 || minutes < 0 || minutes > math.MaxInt32 {
		return 0, 0, 0, 0, fmt.Errorf("goroutine %d has waited for %d ns", e.ID, e.Wait)
	}
	set = -1
	if e.Set != nil {
		if *e.Set < 0 || *e.Set > maxCount {
			return 0, 0, 0, 0, fmt.Errorf("goroutine %d has label set %d", e.ID, *e.Set)
		}
		set = int32(*e.Set)
	}
	if e.For != "" {
		if object, err = strconv.ParseUint(e.For, 0, 64); err != nil {
			return 0, 0, 0, 0, fmt.Errorf("goroutine %d waits for %.50q, which is no address", e.ID, e.For)
		}
	}
	return e.ID, int32(minutes), set, object, j.hold(24)
}

// printable makes a string of another process fit to be shown, and keeps one
// copy only of each.
func (j *jsonReader) printable(s string) (string, error) {
	if known, ok := j.strings[s]; ok {
		return known, nil
	}
	clean := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	j.strings[s] = clean
	return clean, j.hold(100 + 2*len(s))
}

// valid says what is wrong with a group that was read for d.
func (g *Group) valid(d *Dump) error {
	if err := numbers(int64(g.MinWait), int64(g.MaxWait-g.MinWait), int64(g.Dumps), int64(d.Dumps-g.Dumps)); err != nil {
		return err
	}
	if g.Count <= 0 || g.Count > maxCount || len(g.IDs) > g.Count {
		return errSums
	}
	labelled := 0
	for _, s := range g.Labels {
		if s.Count <= 0 || s.Count > g.Count-labelled {
			return errSums
		}
		labelled += s.Count
	}
	if !slices.IsSorted(g.IDs) {
		return errors.New("the goroutines are not in the order of their ids")
	}
	if slices.ContainsFunc(g.sets, func(s int32) bool { return int(s) >= len(g.Labels) }) {
		return errors.New("a goroutine has a set of labels that is not there")
	}
	return nil
}
