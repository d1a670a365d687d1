//go:build amd64 || arm64

package debugger

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-delve/delve/service"
	"github.com/go-delve/delve/service/api"
)

var (
	errStandsStill  = errors.New("this is a copy that stands still: it can be inspected, but not run or changed")
	errInterrupted  = errors.New("interrupted")
	errNoDownloads  = errors.New("nothing is downloaded here; give the symbols with --exe FILE")
	errCopyHasEnded = errors.New("the copy has ended")
)

// A guard is Delve's client without what would run or change the copy, however a
// command comes to it. After interrupt it fails until the next command.
type guard struct {
	service.Client
	failure atomic.Pointer[error]
}

func (g *guard) interrupt(err error) { g.failure.Store(&err) }

// begin forgets an interrupt, unless the copy has ended.
func (g *guard) begin() {
	if p := g.failure.Load(); p != nil && *p == errInterrupted {
		g.failure.CompareAndSwap(p, nil)
	}
}

func (g *guard) err() error {
	if p := g.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// What is asked for again and again by one command.

func (g *guard) ListGoroutines(start, count int) ([]*api.Goroutine, int, error) {
	if err := g.err(); err != nil {
		return nil, 0, err
	}
	return g.Client.ListGoroutines(start, count)
}

func (g *guard) ListGoroutinesWithFilter(start, count int, filters []api.ListGoroutinesFilter, group *api.GoroutineGroupingOptions, scope *api.EvalScope) ([]*api.Goroutine, []api.GoroutineGroup, int, bool, error) {
	if err := g.err(); err != nil {
		return nil, nil, 0, false, err
	}
	return g.Client.ListGoroutinesWithFilter(start, count, filters, group, scope)
}

func (g *guard) Stacktrace(goroutine int64, depth, skip int, opts api.StacktraceOptions, cfg *api.LoadConfig) ([]api.Stackframe, error) {
	if err := g.err(); err != nil {
		return nil, err
	}
	return g.Client.Stacktrace(goroutine, depth, skip, opts, cfg)
}

func (g *guard) EvalVariable(scope api.EvalScope, symbol string, cfg api.LoadConfig) (*api.Variable, error) {
	if err := g.err(); err != nil {
		return nil, err
	}
	return g.Client.EvalVariable(scope, symbol, cfg)
}

// observing are the calls of Delve's API that a Starlark script may make.
var observing = strings.Fields(`Ancestors BuildID Disassemble Eval ExamineMemory FindLocation FunctionReturnLocations
	GetThread LastModified ListDynamicLibraries ListFunctionArgs ListFunctions ListGoroutines ListLocalVars
	ListPackageVars ListPackagesBuildInfo ListRegisters ListSources ListTargets ListThreads ListTypes
	ProcessPid Stacktrace State TypeInfo`)

func (g *guard) CallAPI(method string, args, reply any) error {
	if err := g.err(); err != nil {
		return err
	}
	if !slices.Contains(observing, method) {
		return errStandsStill
	}
	return g.Client.CallAPI(method, args, reply)
}

// What a copy cannot do.

func (g *guard) Restart(bool) ([]api.DiscardedBreakpoint, error) { return nil, errStandsStill }
func (g *guard) RestartFrom(bool, string, bool, []string, [3]string, bool) ([]api.DiscardedBreakpoint, error) {
	return nil, errStandsStill
}
func (g *guard) Continue() <-chan *api.DebuggerState                   { return refusal() }
func (g *guard) Rewind() <-chan *api.DebuggerState                     { return refusal() }
func (g *guard) DirectionCongruentContinue() <-chan *api.DebuggerState { return refusal() }
func (g *guard) Next() (*api.DebuggerState, error)                     { return nil, errStandsStill }
func (g *guard) ReverseNext() (*api.DebuggerState, error)              { return nil, errStandsStill }
func (g *guard) Step() (*api.DebuggerState, error)                     { return nil, errStandsStill }
func (g *guard) ReverseStep() (*api.DebuggerState, error)              { return nil, errStandsStill }
func (g *guard) StepOut() (*api.DebuggerState, error)                  { return nil, errStandsStill }
func (g *guard) ReverseStepOut() (*api.DebuggerState, error)           { return nil, errStandsStill }
func (g *guard) Call(int64, string, bool) (*api.DebuggerState, error)  { return nil, errStandsStill }
func (g *guard) StepInstruction(bool) (*api.DebuggerState, error)      { return nil, errStandsStill }
func (g *guard) ReverseStepInstruction(bool) (*api.DebuggerState, error) {
	return nil, errStandsStill
}
func (g *guard) CreateBreakpoint(*api.Breakpoint) (*api.Breakpoint, error) {
	return nil, errStandsStill
}
func (g *guard) CreateBreakpointWithExpr(*api.Breakpoint, string, [][2]string, bool) (*api.Breakpoint, error) {
	return nil, errStandsStill
}
func (g *guard) CreateWatchpoint(api.EvalScope, string, api.WatchType) (*api.Breakpoint, error) {
	return nil, errStandsStill
}
func (g *guard) SetExecutionPoint(uint64) (*api.DebuggerState, error) { return nil, errStandsStill }
func (g *guard) SetVariable(api.EvalScope, string, string) error      { return errStandsStill }
func (g *guard) Checkpoint(string) (int, error)                       { return 0, errStandsStill }
func (g *guard) FollowExec(bool, string) error                        { return errStandsStill }
func (g *guard) DownloadLibraryDebugInfo(int) error                   { return errNoDownloads }

func refusal() <-chan *api.DebuggerState {
	c := make(chan *api.DebuggerState, 1)
	c <- &api.DebuggerState{Err: errStandsStill}
	close(c)
	return c
}
