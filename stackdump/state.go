package stackdump

import "strings"

// symbol is one logical frame of a profile's stack.
type symbol struct {
	Frame
	offset int // Line less the first line of the function; -1 if not known
}

// waits gives the runtime's word for a wait that starts in a function.
// Found by looking at what Go 1.25 to 1.27 print for goroutines in each state;
// the test TestStatesAgree checks it against the release at hand.
var waits = map[string]string{
	"runtime.selectgo":                      "select",
	"runtime.block":                         "select (no cases)",
	"time.Sleep":                            "sleep",
	"runtime.netpollblock":                  "IO wait",
	"sync.runtime_notifyListWait":           "sync.Cond.Wait",
	"sync.runtime_SemacquireMutex":          "sync.Mutex.Lock",
	"internal/sync.runtime_SemacquireMutex": "sync.Mutex.Lock",
	"sync.runtime_SemacquireRWMutex":        "sync.RWMutex.Lock",
	"sync.runtime_SemacquireRWMutexR":       "sync.RWMutex.RLock",
	"sync.runtime_SemacquireWaitGroup":      "sync.WaitGroup.Wait",
	"sync.runtime_Semacquire":               "semacquire",
	"internal/poll.runtime_Semacquire":      "semacquire",
	"runtime.semacquire":                    "semacquire",
	"runtime.gcParkAssist":                  "GC assist wait",
	"runtime.gcWaitOnMark":                  "wait for GC cycle",
	"runtime.gcParkStrongFromWeak":          "GC weak to strong wait",
	"runtime.ReadTrace":                     "trace reader (blocked)",
	"runtime.runFinalizers":                 "finalizer wait",
	"runtime.runCleanups":                   "cleanup wait",
	"internal/synctest.Run":                 "synctest.Run",
	"internal/synctest.Wait":                "synctest.Wait",
}

// nilChan is the number of lines into chanrecv and chansend up to which lies the
// wait on a nil channel, which both look for first. In Go 1.25 to 1.27 that is
// lines 12 and 5; the ordinary waits are in lines 143 and 107.
const nilChan = 40

// stateOf reads a goroutine's state off its stack, which begins with the
// runtime's own functions, innermost first.
func stateOf(stack []symbol) string {
	if len(stack) == 0 {
		return "runnable"
	}
	switch top := stack[0].Func; top {
	case "runtime.gopark", "runtime.goparkunlock":
	case "runtime.coroswitch":
		return "coroutine"
	case "runtime.goroutineProfileWithLabels", "runtime.pprof_goroutineProfileWithLabels", "runtime/pprof.runtime_goroutineProfileWithLabels":
		return "running"
	case "runtime.cgocall", "runtime.notetsleepg":
		return "syscall"
	default:
		if isSyscall(top) {
			return "syscall"
		}
		return "runnable"
	}
	for _, s := range stack[1:min(len(stack), 10)] {
		switch s.Func {
		case "runtime.chanrecv":
			if s.offset >= 0 && s.offset < nilChan {
				return "chan receive (nil chan)"
			}
			return "chan receive"
		case "runtime.chansend":
			if s.offset >= 0 && s.offset < nilChan {
				return "chan send (nil chan)"
			}
			return "chan send"
		}
		if state, ok := waits[s.Func]; ok {
			return state
		}
	}
	return "waiting"
}

// isSyscall reports whether the function enters the kernel: syscall.Syscall6,
// syscall.rawSyscall on macOS, golang.org/x/sys/unix.SyscallNoError.
// RawSyscall is not among them, for the runtime does not know of those calls.
func isSyscall(name string) bool {
	pkg, fn := name, ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		pkg, fn = name[:i], name[i+1:]
	}
	switch pkg {
	case "syscall", "golang.org/x/sys/unix", "internal/syscall/unix":
		return strings.HasPrefix(fn, "Syscall") || strings.HasPrefix(fn, "syscall")
	}
	return false
}

// nonGo begins what stands for a function that is not Go's, as the runtime puts it.
const nonGo = "non-Go function at pc="

// visible reports whether the runtime prints the function in a traceback: all
// but its own that are not exported.
func visible(name string) bool {
	rest, ok := strings.CutPrefix(name, "runtime.")
	if !ok {
		return strings.Contains(name, ".") || strings.HasPrefix(name, nonGo)
	}
	switch rest {
	case "gopanic", "runFinalizers", "runCleanups":
		return true
	}
	if strings.HasPrefix(rest, "(*") { // method: both names must be exported
		rest = rest[2:]
		i := strings.LastIndexByte(rest, '.')
		return i >= 0 && upper(rest) && upper(rest[i+1:])
	}
	if i := strings.LastIndexByte(rest, '.'); i >= 0 {
		return upper(rest) && upper(rest[i+1:])
	}
	return upper(rest)
}

func upper(s string) bool { return s != "" && 'A' <= s[0] && s[0] <= 'Z' }
