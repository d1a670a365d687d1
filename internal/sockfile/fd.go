//go:build linux || darwin || freebsd

package sockfile

import "golang.org/x/sys/unix"

// An FD is a descriptor that belongs to lazy in a program that may close it by
// mistake, or to become a daemon, and may get its number for a file of the
// program. The zero value is none. It is not safe for concurrent use.
type FD struct {
	n        int
	dev, ino uint64
}

// Own returns the FD for descriptor n, or none if n is negative.
func Own(n int) FD {
	dev, ino, ok := identity(n)
	if !ok {
		return FD{}
	}
	return FD{n, dev, ino}
}

func identity(n int) (dev, ino uint64, ok bool) {
	var st unix.Stat_t
	if n < 0 || unix.Fstat(n, &st) != nil {
		return 0, 0, false
	}
	return uint64(st.Dev), st.Ino, true
}

// N returns the descriptor, or -1 if there is none or it is another file by now.
func (f FD) N() int {
	if f == (FD{}) {
		return -1
	}
	if dev, ino, ok := identity(f.n); !ok || dev != f.dev || ino != f.ino {
		return -1
	}
	return f.n
}

// Close closes the descriptor, unless it is another file by now, and makes f
// none. It reports whether there was one to close.
func (f *FD) Close() bool {
	n := f.N()
	*f = FD{}
	return n >= 0 && unix.Close(n) == nil
}
