package stackdump

import "strings"

// A folded count is how many goroutines of one kind a Filter took out as idle.
type foldedCount struct {
	kind  string
	count int
}

// fold counts the group if its goroutines idle, and reports whether they do.
func (d *Dump) fold(g *Group) bool {
	kind := idle(g)
	if kind == "" {
		return false
	}
	d.addFolded(kind, g.Count)
	return true
}

// addFolded keeps the kinds in order.
func (d *Dump) addFolded(kind string, n int) {
	i := 0
	for i < len(d.folded) && d.folded[i].kind < kind {
		i++
	}
	if i < len(d.folded) && d.folded[i].kind == kind {
		d.folded[i].count += n
		return
	}
	d.folded = append(d.folded, foldedCount{})
	copy(d.folded[i+1:], d.folded[i:])
	d.folded[i] = foldedCount{kind, n}
}

func (d *Dump) foldedMap() map[string]int {
	if len(d.folded) == 0 {
		return nil
	}
	m := map[string]int{}
	for _, f := range d.folded {
		m[f.kind] = f.count
	}
	return m
}

// maxKinds is how many kinds are read; there are some six.
const maxKinds = 100

// readFolded takes what the first line says of filters.
func (d *Dump) readFolded(j *jsonReader, head *dumpLine) error {
	d.unseen = head.Unseen
	left := d.Filtered
	if len(head.Folded) > maxKinds {
		return errMuch
	}
	for kind, n := range head.Folded {
		if n <= 0 || n > left {
			return errSums
		}
		left -= n
		kind, err := j.printable(kind)
		if err != nil {
			return err
		}
		d.addFolded(kind, n)
	}
	return nil
}

// idle returns in what part of the standard library goroutines idle, or "".
//
// It goes by the outermost calls, where no function of the program can be
// between what waits and the loop that it waits in. A client's connection
// whose body was not closed is not idle: its readLoop waits elsewhere.
func idle(g *Group) string {
	n := len(g.Frames)
	if n == 0 || g.active() || g.System {
		return ""
	}
	inner := ""
	if n > 1 {
		inner = g.Frames[n-2].Func
	}
	switch outer := g.Frames[n-1].Func; outer {
	case "net/http.(*conn).serve":
		if inner == "bufio.(*Reader).Peek" || inner == "net/http.(*conn).readRequest" {
			return "net/http server"
		}
		if strings.HasSuffix(g.Frames[0].Func, "erverConn).serve") {
			return "HTTP/2"
		}
	case "net/http.(*connReader).backgroundRead":
		return "net/http server"
	case "net/http.(*persistConn).readLoop":
		if inner == "bufio.(*Reader).Peek" {
			return "net/http client"
		}
	case "net/http.(*persistConn).writeLoop":
		if n == 1 {
			return "net/http client"
		}
	case "database/sql.(*DB).connectionOpener", "database/sql.(*DB).connectionCleaner":
		return "database/sql"
	case "os/signal.NotifyContext.func1":
		return "os/signal"
	default:
		if strings.Contains(outer, "http2") && (strings.HasSuffix(outer, "erverConn).readFrames") || strings.HasSuffix(outer, "lientConn).readLoop")) {
			return "HTTP/2"
		}
	}
	if g.State == "IO wait" {
		for i := range g.Frames[:min(n, 8)] {
			if g.Frames[i].Func == "internal/poll.(*FD).Accept" {
				return "Accept"
			}
		}
	}
	return ""
}
