package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/words"
)

// namedColumn returns the column for a metric, whose name may be shortened, or a
// variable of package expvar.
func namedColumn(name string) (*column, error) {
	all := metrics.All()
	for _, d := range all {
		if d.Name == name {
			return metricColumn(d), nil
		}
	}
	if v := findVar(name, false); v != nil {
		return v.column()
	}
	// What ends in more than one part comes before what has it somewhere.
	for _, fits := range []func(path string) bool{
		func(path string) bool {
			return strings.Contains(name, "/") && strings.HasSuffix("/"+path, "/"+strings.TrimPrefix(name, "/"))
		},
		func(path string) bool { return strings.Contains(path, name) },
	} {
		var found []metrics.Description
		for _, d := range all {
			path, _, _ := strings.Cut(d.Name, ":")
			if name != "" && (fits(path) || fits(d.Name)) {
				found = append(found, d)
			}
		}
		if len(found) == 1 {
			return metricColumn(found[0]), nil
		}
		if len(found) > 1 {
			var names []string
			for _, d := range found {
				names = append(names, d.Name)
			}
			return nil, fmt.Errorf("%s may be %s; give more of the name", words.Show(name), either(names))
		}
	}
	if v := findVar(name, true); v != nil {
		return v.column()
	}
	err := fmt.Errorf("no metric and no variable of expvar is named %s; metrics and vars list them", words.Show(name))
	if near := nearNames(name, all); len(near) > 0 {
		err = fmt.Errorf("no metric and no variable of expvar is named %s; did you mean %s?", words.Show(name), either(near))
	}
	if expvars.Load() == nil && !strings.Contains(name, "/") {
		err = fmt.Errorf("%w (%w)", err, errNoVars)
	}
	return nil, err
}

// either joins at most so many names as fit a line.
func either(names []string) string {
	const most = 5
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + " or " + strconv.Itoa(n) + " more"
	}
	return strings.Join(names, " or ")
}

// nearNames returns what has most words in common with name, or their beginnings.
func nearNames(name string, all []metrics.Description) (near []string) {
	split := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune("/:-._ ", r) })
	}
	wanted, best := split(name), 1
	add := func(candidate string) {
		common := 0
		for _, c := range split(candidate) {
			for _, w := range wanted {
				if w == c || len(w) >= 4 && len(c) >= 4 && w[:4] == c[:4] {
					common++
					break
				}
			}
		}
		if common > best {
			near, best = nil, common
		}
		if common == best {
			near = append(near, candidate)
		}
	}
	if each := expvars.Load(); each != nil {
		(*each)(func(name string, _ func() string) { add(format.Printable(name)) })
	}
	for _, d := range all {
		add(d.Name)
	}
	return near
}

// metricColumn looks at a metric: at its value if it goes up and down, at how
// much it grows in a second if it only grows, and at what was added to a
// histogram.
func metricColumn(d metrics.Description) *column {
	_, unit, _ := strings.Cut(d.Name, ":")
	sample := []metrics.Sample{{Name: d.Name}}
	var last float64
	value := func(passed time.Duration) string {
		metrics.Read(sample)
		var v float64
		switch m := sample[0].Value; m.Kind() {
		case metrics.KindUint64:
			if v = float64(m.Uint64()); unit == "bytes" && m.Uint64() == math.MaxInt64 {
				return "off" // the memory limit
			}
		case metrics.KindFloat64:
			v = m.Float64()
		default:
			return "not in this Go release"
		}
		if !d.Cumulative {
			return format.Quantity(v, unit)
		}
		grown := v - last
		last = v
		return format.Quantity(grown/passed.Seconds(), unit)
	}
	if d.Kind == metrics.KindFloat64Histogram {
		return histogramColumn(d, unit, sample)
	}
	head := d.Name
	if d.Cumulative {
		head += "/s"
	}
	return &column{heads: []string{head}, look: func(_ context.Context, passed time.Duration) ([]string, error) {
		return []string{value(passed)}, nil
	}}
}

func histogramColumn(d metrics.Description, unit string, sample []metrics.Sample) *column {
	var last []uint64
	return &column{
		heads: []string{d.Name + "/s", "p50", "p99", "max"},
		look: func(_ context.Context, passed time.Duration) ([]string, error) {
			metrics.Read(sample)
			h := sample[0].Value.Float64Histogram()
			added := &metrics.Float64Histogram{Counts: make([]uint64, len(h.Counts)), Buckets: h.Buckets}
			var n uint64
			for i, c := range h.Counts {
				if d.Cumulative && i < len(last) {
					c -= last[i]
				}
				added.Counts[i] = c
				n += c
			}
			last = append(last[:0], h.Counts...)
			cells := []string{format.Quantity(float64(n)/passed.Seconds(), ""), "-", "-", "-"}
			if n > 0 {
				for i, p := range []float64{0.5, 0.99, 1} {
					cells[i+1] = format.Quantity(percentile(added, n, p), unit)
				}
			}
			return cells, nil
		},
	}
}

// shorten gives columns the last parts of their names as heads, unless two have the
// same, and their widths.
func shorten(all []*column) {
	count := map[string]int{}
	last := func(head string) string { return head[strings.LastIndexByte(strings.TrimSuffix(head, "/s"), '/')+1:] }
	for _, c := range all {
		count[last(c.heads[0])]++
	}
	for _, c := range all {
		if short := last(c.heads[0]); count[short] == 1 && strings.HasPrefix(c.heads[0], "/") {
			c.heads[0] = short
		}
		for _, h := range c.heads {
			c.widths = append(c.widths, max(10, len([]rune(h))))
		}
	}
}

// A variable is one of package expvar, or an element of it.
type variable struct {
	name  string // as it was given
	key   string // of the element, or ""
	value func() string
	asked chan answered // a question that was not answered yet, or nil
}

// answered is what a variable of the program returned.
type answered struct {
	text string
	err  error
}

// findVar returns the variable with the name or, if elements is set, the one that
// name is an element of: requests.200 is 200 in the map requests.
func findVar(name string, elements bool) (v *variable) {
	each := expvars.Load()
	if each == nil {
		return nil
	}
	longest := ""
	(*each)(func(n string, value func() string) {
		key, ok := strings.CutPrefix(name, n+".")
		switch {
		case n == name && !elements:
			v = &variable{name: name, value: value}
		case ok && elements && len(n) >= len(longest):
			longest, v = n, &variable{name: name, key: key, value: value}
		}
	})
	return v
}

// patience is how long a variable of the program may take.
const patience = time.Second

var (
	errNoAnswer = errors.New("no answer")
	errNoNumber = errors.New("no number")
)

// read returns the value of a variable. What returns it is the program's code, and may
// panic or not return.
func (v *variable) read(ctx context.Context) (string, error) {
	if v.asked == nil {
		asked := make(chan answered, 1)
		v.asked = asked
		go mark.Session(func() {
			a := answered{err: errNoAnswer} // of what calls runtime.Goexit
			defer func() { asked <- a }()
			a.text, a.err = valueOf(v.value)
		})
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case a := <-v.asked:
		v.asked = nil
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	case <-t.C:
		return "", errNoAnswer
	}
}

// number returns the value as a number.
func (v *variable) number(ctx context.Context) (float64, error) {
	text, err := v.read(ctx)
	if err != nil {
		return 0, err
	}
	text = strings.TrimSpace(text)
	if v.key != "" {
		element, ok := elementOf([]byte(text), v.key)
		if !ok {
			return 0, fmt.Errorf("%s has no %s", words.Show(strings.TrimSuffix(v.name, "."+v.key)), words.Show(v.key))
		}
		text = string(element)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errNoNumber
	}
	return n, nil
}

// elementOf returns an element of a JSON object, or of an object in it. Keys may have
// dots.
func elementOf(object []byte, key string) (json.RawMessage, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(object, &m) != nil {
		return nil, false
	}
	if e, ok := m[key]; ok {
		return e, true
	}
	for i := range len(key) {
		if key[i] != '.' {
			continue
		}
		if e, ok := m[key[:i]]; ok {
			return elementOf(e, key[i+1:])
		}
	}
	return nil, false
}

// column returns two cells: the value, and how fast it grows, because expvar does
// not say which ones are counters.
func (v *variable) column() (*column, error) {
	var last float64
	known := false
	c := &column{heads: []string{format.Printable(v.name), "/s"}}
	c.look = func(ctx context.Context, passed time.Duration) ([]string, error) {
		n, err := v.number(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && passed == 0 && err == errNoNumber:
			return nil, fmt.Errorf("%s is not a number; vars shows it, and an element is named as in memstats.HeapAlloc", words.Show(v.name))
		case err != nil && passed == 0:
			return nil, fmt.Errorf("%s: %w", words.Show(v.name), err)
		case err != nil:
			known = false
			return []string{format.OneLine(err.Error()), "-"}, nil
		}
		cells := []string{showNumber(n), "-"}
		if known {
			cells[1] = format.Quantity((n-last)/passed.Seconds(), "")
		}
		last, known = n, true
		return cells, nil
	}
	return c, nil
}

func showNumber(n float64) string {
	if math.Abs(n) < 1e15 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', 6, 64)
}
