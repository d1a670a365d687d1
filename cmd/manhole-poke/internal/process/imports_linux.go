package process

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// armedPackage arms the program that imports it, if the environment variable says
// so.
const (
	armedPackage  = lazyModule + "/armed"
	armedVariable = "LAZY_MANHOLE"
)

// An Import says whether a program imports package armed.
type Import struct {
	Linked   bool
	Variable bool // the program was started with the variable
	Hidden   bool // whether it was is hidden
}

// ImportsArmed finds out whether the program imports package armed. The zero value
// means that it does not, or that this cannot be seen.
func (p *Process) ImportsArmed() Import {
	r, _, err := p.ask(question{Do: "import"}, viewTime)
	if err != nil {
		return Import{}
	}
	return r.Import
}

func (p *Process) readImport() (i Import) {
	// The name of its init function is in the table of functions, also of a stripped
	// program, as a string that ends with a NUL.
	name := bytes.Join([][]byte{nil, []byte(armedPackage + ".init.0"), nil}, []byte{0}) // not a constant, or it would be in this program
	err := buildinfo.Read(p.Proc("exe"), func(r io.ReaderAt) (err error) {
		i.Linked, err = contains(r, name)
		return err
	})
	if err != nil || !i.Linked {
		return Import{}
	}
	text, err := procfs.ReadFile(p.Proc("environ"))
	if err != nil {
		i.Hidden = true
		return i
	}
	for v := range strings.SplitSeq(string(text), "\x00") {
		if value, ok := strings.CutPrefix(v, armedVariable+"="); ok && value != "" {
			i.Variable = true
		}
	}
	return i
}

// contains reports whether a file contains what, which is shorter than a block.
func contains(r io.ReaderAt, what []byte) (bool, error) {
	const block = 1 << 20
	buf := make([]byte, block)
	for at := int64(0); ; at += int64(block - len(what)) {
		n, err := r.ReadAt(buf, at)
		if bytes.Contains(buf[:n], what) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}
