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
	for i := range d.folded {
		if d.folded[i].kind == kind {
			d.folded[i].count += g.Count
			return true
		}
	}
	d.folded = append(d.folded, foldedCount{kind, g.Count})
	return true
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
