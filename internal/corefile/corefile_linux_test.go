package corefile

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestReadMaps(t *testing.T) {
	const text = "00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a b (deleted)\n" +
		"Rss:                 8 kB\nSwap:                0 kB\nVmFlags: rd ex mr mw me \n" +
		"7ffc0000-7ffc1000 rw-p 00000000 00:00 0 \n" +
		"Rss:                 0 kB\nSwap:                0 kB\nVmFlags: rd wr mr mw me \n" +
		"7f000000-7f001000 rw-s 00000000 00:01 99                       /memfd:x (deleted)\n" +
		"Rss:                 0 kB\nSwap:                4 kB\nVmFlags: rd wr sh dd \n" +
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"
	got, err := readMaps(strings.NewReader(text))
	want := []mapping{
		{start: 0x400000, end: 0x452000, flags: pfRead | pfExec, offset: 0x1000, file: "/usr/bin/a b (deleted)", inode: true},
		{start: 0x7ffc0000, end: 0x7ffc1000, flags: pfRead | pfWrite, empty: true},
		{start: 0x7f000000, end: 0x7f001000, flags: pfRead | pfWrite, shared: true, file: "/memfd:x (deleted)", inode: true, left: true},
		{start: 0xffffffffff600000, end: 0xffffffffff601000, flags: pfExec, file: "[vsyscall]"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for i, want := range []bool{true, true, false, false} {
		if got[i].wanted() != want {
			t.Errorf("%+v: wanted is %v", got[i], !want)
		}
	}
}

func FuzzReadMaps(f *testing.F) {
	f.Add("00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a b\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := readMaps(strings.NewReader(text))
		for _, m := range all {
			if m.end <= m.start {
				t.Errorf("%+v", m)
			}
		}
	})
}

const page = 4096

// TestRuns has the pages of one mapping be of every kind.
func TestRuns(t *testing.T) {
	for name, c := range map[string]struct {
		m       mapping
		entries []uint64
		want    []run
	}{
		"anonymous": {mapping{start: page, end: 5 * page, flags: pfRead | pfWrite},
			[]uint64{0, pagePresent, pageSwapped, 0},
			[]run{{page, 2 * page, true}, {2 * page, 4 * page, false}, {4 * page, 5 * page, true}}},
		"text": {mapping{start: page, end: 4 * page, flags: pfRead | pfExec, inode: true},
			[]uint64{pagePresent | pageOfFile, pagePresent | pageOfFile, 0},
			[]run{{page, 2 * page, false}}},
		"relocated": {mapping{start: page, end: 4 * page, flags: pfRead, inode: true, offset: page},
			[]uint64{pagePresent | pageOfFile, pagePresent, 0},
			[]run{{2 * page, 3 * page, false}}},
		"data": {mapping{start: page, end: 4 * page, flags: pfRead | pfWrite, inode: true},
			[]uint64{pagePresent | pageOfFile, pagePresent, 0},
			[]run{{page, 3 * page, false}}},
		"short": {mapping{start: page, end: 4 * page, flags: pfRead | pfWrite},
			[]uint64{0},
			[]run{{page, 2 * page, true}, {2 * page, 4 * page, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			var file []byte
			for range c.m.start / page {
				file = binary.NativeEndian.AppendUint64(file, 0)
			}
			for _, e := range c.entries {
				file = binary.NativeEndian.AppendUint64(file, e)
			}
			p := &pageMap{ctx: context.Background(), file: bytes.NewReader(file), pageSize: page}
			if got := p.runs(nil, c.m); !slices.Equal(got, c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestLayOut writes random memory, and reads it back as a debugger does.
func TestLayOut(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var maps []mapping
		var table []byte
		memory := make([]byte, 0, 1<<20)
		for range 1 + r.IntN(5) {
			for range r.IntN(2) { // nothing between two mappings
				table = binary.NativeEndian.AppendUint64(table, 0)
				memory = append(memory, make([]byte, page)...)
			}
			m := mapping{start: uint64(len(memory)), flags: pfRead | pfWrite}
			for range 1 + r.IntN(40) {
				entry, fill := uint64(0), byte(0)
				if r.IntN(3) > 0 {
					entry, fill = pagePresent, byte(1+r.IntN(255))
				}
				table = binary.NativeEndian.AppendUint64(table, entry)
				memory = append(memory, bytes.Repeat([]byte{fill}, page)...)
			}
			m.end = uint64(len(memory))
			maps = append(maps, m)
		}
		c := layOut(maps, &pageMap{ctx: context.Background(), file: bytes.NewReader(table), pageSize: page}, []byte("note"))
		var file bytes.Buffer
		file.Write(c.head)
		if err := c.writeMemory(&file, bytes.NewReader(memory)); err != nil {
			t.Fatal(err)
		}
		if int64(file.Len()) != c.size {
			t.Fatalf("seed %d: %d bytes, announced %d", seed, file.Len(), c.size)
		}
		f, err := elf.NewFile(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(memory))
		covered := uint64(0)
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD {
				covered += p.Memsz
				if n, err := io.ReadFull(p.Open(), got[p.Vaddr:p.Vaddr+p.Filesz]); err != nil {
					t.Fatal(n, err)
				}
			}
		}
		want := uint64(0)
		for _, m := range maps {
			want += m.end - m.start
		}
		if !bytes.Equal(got, memory) || covered != want {
			t.Fatalf("seed %d: other memory, %d bytes of %d", seed, covered, want)
		}
	}
}

func TestJoin(t *testing.T) {
	var all []run
	for at := uint64(0); at < 200_000*page; at += 2 * page {
		all = append(all, run{at, at + page, at%(4*page) == 0}, run{at + page, at + 2*page, at%(4*page) != 0})
	}
	if got := join(all); len(got) > maxRuns {
		t.Errorf("%d runs", len(got))
	}
}

// alternate is a pagemap in which every other page was never written.
type alternate struct{}

func (alternate) ReadAt(b []byte, _ int64) (int, error) {
	for i := 0; i < len(b); i += 16 {
		binary.NativeEndian.PutUint64(b[i:], pagePresent)
		binary.NativeEndian.PutUint64(b[i+8:], 0)
	}
	return len(b), nil
}

// TestManyRuns checks that a large fragmented heap takes little memory.
func TestManyRuns(t *testing.T) {
	p := &pageMap{ctx: t.Context(), file: alternate{}, pageSize: page}
	got := p.runs(nil, mapping{start: page, end: page + 4<<20*page, flags: pfRead | pfWrite})
	if cap(got) > 4*minLimit {
		t.Errorf("room for %d runs", cap(got))
	}
	if got = join(got); len(got) > maxRuns {
		t.Errorf("%d runs", len(got))
	}
}

func TestSplit(t *testing.T) {
	got, block := split([]run{{0, 10 * minZeros, true}, {10 * minZeros, 11 * minZeros, false}})
	if len(got) != 11 || got[9] != (run{9 * minZeros, 10 * minZeros, true}) || block != minZeros {
		t.Errorf("%d, %+v", block, got)
	}
	// 16 TiB, as AddressSanitizer has
	got, block = split([]run{{0, 16 << 40, true}, {16 << 40, 16<<40 + page, false}})
	if len(got) > 2*maxRuns || block != maxZeros || got[len(got)-1].zero {
		t.Errorf("%d runs, %d", len(got), block)
	}
}

// TestManyHeaders has more segments than the header can count.
func TestManyHeaders(t *testing.T) {
	maps := make([]mapping, manyHeaders+5)
	for i := range maps {
		maps[i] = mapping{start: uint64(2*i+1) * page, end: uint64(2*i+2) * page}
	}
	c := layOut(maps, &pageMap{ctx: context.Background(), pageSize: page}, []byte("note"))
	order := binary.LittleEndian
	if n := order.Uint16(c.head[56:]); n != manyHeaders {
		t.Errorf("e_phnum is %d", n)
	}
	section := order.Uint64(c.head[40:])
	if n := order.Uint32(c.head[section+44:]); n != uint32(len(maps)+1) {
		t.Errorf("sh_info is %d", n)
	}
}
