package top

import (
	"time"
	"unicode"
)

// A Model is what is shown, and what the person chose.
type Model struct {
	Procs    []*Proc
	Selected int // the process whose groups are shown; -1 for all
	Order    Order
	Filter   string
	Frozen   bool
	Every    time.Duration // between ticks, unless that costs a process too much

	page    page
	typing  bool   // the filter
	cursor  string // key of the row
	line    int    // of the row, in case it goes
	scroll  int    // of a page of text
	height  int    // rows on the screen, for a page up or down
	profile bool   // wanted every profileEvery
}

type page int

const (
	pageList page = iota
	pageGroup
	pageHelp
)

// NewModel returns the view of processes.
func NewModel(procs []*Proc, every time.Duration) *Model {
	for _, p := range procs {
		p.max = min(maxStacks, maxAllStacks/len(procs))
	}
	return &Model{Procs: procs, Selected: -1, Every: every, height: 10}
}

// Keys other than characters.
const (
	KeyEnter rune = -1 - iota
	KeyEscape
	KeyBackspace
	KeyUp
	KeyDown
	KeyPageUp
	KeyPageDown
	KeyHome
	KeyEnd
	KeyTab
	KeyBacktab
)

// An Action is what a key asks for beyond the model.
type Action int

const (
	Nothing     Action = iota
	Quit               // leave
	Ask                // the processes at once
	SampleCPU          // take a CPU profile
	SetInterval        // Every, or Frozen, has changed
)

// The interval between ticks.
const (
	MinEvery = 500 * time.Millisecond
	MaxEvery = 64 * time.Second
)

// Press does what a key stands for.
func (m *Model) Press(key rune) Action {
	if m.typing {
		m.typeFilter(key)
		return Nothing
	}
	switch key {
	case 'q':
		if m.page == pageList {
			return Quit
		}
		m.page = pageList
	case KeyEscape:
		if m.page == pageList {
			m.Filter = ""
		}
		m.page = pageList
	case 'Q':
		return Quit
	case '?', 'h':
		m.page, m.scroll = pageHelp, 0
	case KeyEnter:
		if m.page == pageList && m.cursor != "" {
			m.page, m.scroll = pageGroup, 0
		} else {
			m.page = pageList
		}
	case 'f', ' ':
		m.Frozen = !m.Frozen
		return SetInterval
	case '+', '=':
		m.Every = min(2*m.Every, MaxEvery)
		return SetInterval
	case '-':
		m.Every = max(m.Every/2, MinEvery)
		return SetInterval
	case 'c':
		return SampleCPU
	case 'C':
		m.profile = !m.profile
		if m.profile {
			return SampleCPU
		}
	case 'r':
		for _, p := range m.Procs {
			p.Reset()
		}
	case 'n':
		if !m.Frozen {
			return Ask
		}
	case '/':
		m.page, m.typing = pageList, true
	case 's':
		m.Order = (m.Order + 1) % orders
		m.cursor, m.line = "", 0
	case 'S':
		m.Order = (m.Order + orders - 1) % orders
		m.cursor, m.line = "", 0
	case KeyTab:
		if m.Selected++; m.Selected >= len(m.Procs) {
			m.Selected = -1
		}
	case KeyBacktab:
		if m.Selected--; m.Selected < -1 {
			m.Selected = len(m.Procs) - 1
		}
	default:
		m.move(key)
	}
	return Nothing
}

func (m *Model) typeFilter(key rune) {
	switch {
	case key == KeyEnter:
		m.typing = false
	case key == KeyEscape:
		m.typing, m.Filter = false, ""
	case key == KeyBackspace:
		if runes := []rune(m.Filter); len(runes) > 0 {
			m.Filter = string(runes[:len(runes)-1])
		}
	case key > 0 && unicode.IsPrint(key) && len(m.Filter) < 100:
		m.Filter += string(key)
	}
}

// move moves the cursor, or the text.
func (m *Model) move(key rune) {
	by := 0
	switch key {
	case KeyUp, 'k':
		by = -1
	case KeyDown, 'j':
		by = 1
	case KeyPageUp:
		by = -m.height
	case KeyPageDown:
		by = m.height
	case KeyHome, 'g':
		by = -1 << 30
	case KeyEnd, 'G':
		by = 1 << 30
	}
	if by == 0 {
		return
	}
	if m.page != pageList {
		m.scroll = max(0, m.scroll+by) // Render has the other limit
		return
	}
	rows := m.Rows()
	m.point(rows, m.at(rows)+by)
}

// at returns the place of the cursor.
func (m *Model) at(rows []Row) int {
	for i := range rows {
		if rows[i].Key == m.cursor {
			return i
		}
	}
	return max(0, min(m.line, len(rows)-1))
}

// point moves the cursor to a row.
func (m *Model) point(rows []Row, i int) {
	m.line = max(0, min(i, len(rows)-1))
	if m.cursor = ""; len(rows) > 0 {
		m.cursor = rows[m.line].Key
	}
}
