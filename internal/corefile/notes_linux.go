package corefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

// The types of notes, elf(5) and <linux/elf.h>.
const (
	ntPrStatus = 1
	ntPrPsInfo = 3
	ntAuxv     = 6
	ntFile     = 0x46494c45
	ntArmTLS   = 0x401
)

// notes returns the contents of the segment of notes.
func notes(p Process, maps []mapping, pageSize uint64) ([]byte, error) {
	auxv, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", p.PID))
	if err != nil {
		return nil, err
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
	if err != nil {
		return nil, err
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	note(&b, "CORE", ntPrStatus, prStatus(p))
	note(&b, "CORE", ntPrPsInfo, prPsInfo(p.PID, bytes.TrimSpace(comm), cmdline))
	note(&b, "CORE", ntAuxv, auxv)
	note(&b, "CORE", ntFile, files(maps, pageSize))
	if p.TLS != 0 {
		note(&b, "LINUX", ntArmTLS, binary.NativeEndian.AppendUint64(nil, p.TLS))
	}
	return b.Bytes(), nil
}

// note appends a note.
func note(b *bytes.Buffer, name string, kind uint32, desc []byte) {
	order := binary.NativeEndian
	b.Write(order.AppendUint32(nil, uint32(len(name)+1)))
	b.Write(order.AppendUint32(nil, uint32(len(desc))))
	b.Write(order.AppendUint32(nil, kind))
	b.WriteString(name + "\x00")
	pad(b)
	b.Write(desc)
	pad(b)
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}

// prStatus is struct elf_prstatus of <linux/elfcore.h>.
func prStatus(p Process) []byte {
	const pidAt, regsAt = 32, 112
	b := make([]byte, regsAt, regsAt+len(p.Regs)*8+8)
	binary.NativeEndian.PutUint32(b[pidAt:], uint32(p.PID))
	for _, r := range p.Regs {
		b = binary.NativeEndian.AppendUint64(b, r)
	}
	return append(b, make([]byte, 8)...) // pr_fpvalid: no floating point registers
}

// prPsInfo is struct elf_prpsinfo of <linux/elfcore.h>.
func prPsInfo(pid int, name, cmdline []byte) []byte {
	b := make([]byte, 136)
	b[1] = 'S'
	binary.NativeEndian.PutUint32(b[24:], uint32(pid))
	copy(b[40:55], name)
	args := bytes.ReplaceAll(bytes.TrimRight(cmdline, "\x00"), []byte{0}, []byte{' '})
	copy(b[56:135], args)
	return b
}

// files is what NT_FILE holds, see fill_files_note in fs/binfmt_elf.c.
func files(maps []mapping, pageSize uint64) []byte {
	order := binary.NativeEndian
	var table, names []byte
	count := uint64(0)
	for _, m := range maps {
		if !m.inode {
			continue
		}
		count++
		table = order.AppendUint64(table, m.start)
		table = order.AppendUint64(table, m.end)
		table = order.AppendUint64(table, m.offset/pageSize)
		names = append(append(names, m.file...), 0)
	}
	b := order.AppendUint64(nil, count)
	b = order.AppendUint64(b, pageSize)
	return append(append(b, table...), names...)
}
