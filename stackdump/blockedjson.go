package stackdump

import (
	"encoding/json"
	"io"
	"strconv"
	"time"
)

type blockedLine struct {
	Version   int           `json:"blocked"` // of this format
	Taken     time.Time     `json:"taken"`
	Stopped   time.Duration `json:"stopped_ns"`
	Total     int           `json:"total"`
	Filtered  int           `json:"filtered"`
	Skipped   int           `json:"skipped"`
	Missing   int           `json:"missing"`
	Waiters   int           `json:"waiters"`
	Unknown   int           `json:"unknown"`
	More      int           `json:"more_objects"`
	Memory    string        `json:"memory_not_read,omitempty"`
	Deadlocks [][]linkLine  `json:"likely_deadlocks,omitempty"`
	Objects   int           `json:"objects"`
}

type linkLine struct {
	ID    uint64 `json:"goroutine"`
	Holds string `json:"may_hold"`
	Waits string `json:"waits_for"`
}

type objectLine struct {
	Kind        string        `json:"kind"`
	Addr        string        `json:"addr"`
	Name        string        `json:"variable,omitempty"`
	Waiters     int           `json:"waiters"`
	MinWait     time.Duration `json:"min_wait_ns"`
	MaxWait     time.Duration `json:"max_wait_ns"`
	Places      []placeLine   `json:"places"`
	Holders     []holderLine  `json:"holders,omitempty"`
	MoreHolders int           `json:"more_holders,omitempty"`
}

type placeLine struct {
	Count int    `json:"count"`
	State string `json:"state"`
	Frame Frame  `json:"frame"`
}

type holderLine struct {
	ID       uint64 `json:"goroutine"`
	State    string `json:"state"`
	Frame    Frame  `json:"frame"`
	Argument string `json:"argument_of,omitempty"` // on the stack otherwise
	Before   uint64 `json:"bytes_before,omitempty"`
}

const blockedVersion = 1

// WriteJSON writes one line of JSON for the whole and one for each object, the most
// waited for first. Addresses are hexadecimal strings, and frame is the innermost call
// that does not belong to the wait itself. memory_not_read is the text of Memory. The
// error is w's.
func (b *Blocked) WriteJSON(w io.Writer) error {
	d := b.Dump
	line := blockedLine{
		Version: blockedVersion, Taken: d.Taken, Stopped: d.Stopped,
		Total: d.Total, Filtered: d.Filtered, Skipped: d.Skipped, Missing: d.Missing,
		Waiters: b.Waiters, Unknown: b.Unknown, More: b.More, Objects: len(b.Objects),
	}
	if b.Memory != nil {
		line.Memory = b.Memory.Error()
	}
	for _, c := range b.Cycles {
		var links []linkLine
		for i, l := range c {
			links = append(links, linkLine{l.Holder.ID, hex(l.Object.Addr), hex(c[(i+1)%len(c)].Object.Addr)})
		}
		line.Deadlocks = append(line.Deadlocks, links)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(line); err != nil {
		return err
	}
	for i := range b.Objects {
		o := &b.Objects[i]
		l := objectLine{Kind: o.Kind, Addr: hex(o.Addr), Name: o.Name, Waiters: o.Waiters, MinWait: o.MinWait, MaxWait: o.MaxWait, MoreHolders: o.MoreHolders}
		for _, p := range o.Places {
			l.Places = append(l.Places, placeLine{p.Count, p.Group.State, p.Group.place()})
		}
		for _, h := range o.Holders {
			l.Holders = append(l.Holders, holderLine{h.ID, h.Group.State, h.Group.place(), h.Func, h.Before})
		}
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

func hex(address uint64) string { return "0x" + strconv.FormatUint(address, 16) }
