package signame

import (
	"strconv"
	"strings"
	"syscall"
)

// The C libraries keep 32 and 33 for themselves.
const (
	rtMin = 34
	rtMax = 64
)

const realTimeExample = ", RTMIN+5"

// realTime parses RTMIN+n and RTMAX-n.
func realTime(name string) (syscall.Signal, bool) {
	base, rest := rtMin, ""
	if r, ok := strings.CutPrefix(name, "RTMIN"); ok {
		rest = r
	} else if r, ok := strings.CutPrefix(name, "RTMAX"); ok {
		base, rest = rtMax, r
	} else {
		return 0, false
	}
	offset := 0
	if rest != "" {
		n, err := strconv.ParseUint(rest[1:], 10, 7)
		switch {
		case err != nil:
			return 0, false
		case rest[0] == '+' && base == rtMin:
			offset = int(n)
		case rest[0] == '-' && base == rtMax:
			offset = -int(n)
		default:
			return 0, false
		}
	}
	sig := base + offset
	return syscall.Signal(sig), rtMin <= sig && sig <= rtMax
}
