package values

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/service/api"
)

// Limits say how much of a value is read.
type Limits struct {
	Depth  int // of what is nested
	String int // bytes of each string
	Len    int // elements of each array, slice and map
}

// DefaultLimits are those of Delve's command line, and a level more.
var DefaultLimits = Limits{Depth: 2, String: 64, Len: 64}

// MaxLimits are how far they can be raised.
var MaxLimits = Limits{Depth: 20, String: 1 << 20, Len: 100_000}

func (l Limits) config() proc.LoadConfig {
	return proc.LoadConfig{
		FollowPointers: true, MaxStructFields: -1,
		MaxVariableRecurse: l.Depth, MaxStringLen: l.String, MaxArrayValues: l.Len,
		MaxMapBuckets: 64 * l.Len,
	}
}

// Eval returns the value of an expression.
func (p *Program) Eval(ctx context.Context, expr string, at Place, l Limits) (v *api.Variable, err error) {
	err = p.guard(ctx, func() error {
		at, err := p.resolve(at)
		if err != nil {
			return err
		}
		s, err := p.scope(at)
		if err != nil {
			return err
		}
		found, err := s.EvalExpression(expr, l.config())
		if e := p.enough(); e != nil {
			return e
		}
		if err != nil {
			return plain(err)
		}
		v = convert(found)
		return nil
	})
	return v, err
}

// convert returns a variable of Delve in the form in which it is shown.
func convert(v *proc.Variable) *api.Variable {
	r := api.ConvertVar(v)
	tidy(r)
	return r
}

// tidy says in plain words why something cannot be read, and how long a duration
// is: Delve names any constant of that value.
func tidy(v *api.Variable) {
	switch {
	case strings.HasPrefix(v.Unreadable, "could not find loclist entry"), v.Unreadable == "empty OP stack":
		v.Unreadable = "optimized away here"
	case v.Unreadable == "could not resolve interface type":
		v.Unreadable = "of a type that the linker gave no debug information"
	case v.Type == "time.Duration" && v.Unreadable == "":
		n := api.ExtractIntValue(v.Value)
		if d, err := strconv.ParseInt(n, 10, 64); err == nil {
			v.Value = time.Duration(d).String() + " (" + n + ")"
		}
	}
	for i := range v.Children {
		tidy(&v.Children[i])
	}
}

// enough fails if a value could not be read as a whole because it was too much, was
// interrupted, or the copy is gone: of what is left, nobody could tell what it
// means.
func (p *Program) enough() error {
	switch {
	case p.there != nil && !p.there():
		return errors.New("the copy ended while it was read: its time was over, or the process ended or needed the memory; try again")
	case p.memory.stopped.Load():
		return fmt.Errorf("this took longer than %v; ask for less", maxTime)
	case p.memory.left.Load() < 0:
		return errTooMuch
	}
	return nil
}

// Type describes the type of an expression's value.
func (p *Program) Type(ctx context.Context, expr string, at Place) (t Type, err error) {
	v, err := p.Eval(ctx, expr, at, Limits{Depth: 1, String: 64, Len: 1})
	if err != nil {
		return t, err
	}
	t = Type{Type: v.Type, Kind: v.Kind.String()}
	if v.RealType != v.Type {
		t.Underlying = v.RealType
	}
	if v.Kind == reflect.Interface && len(v.Children) > 0 && v.Children[0].Kind != reflect.Invalid {
		t.Dynamic = v.Children[0].Type
	}
	if v.Flags&api.VariableConstant != 0 {
		t.Constant = true
	}
	return t, nil
}

// Globals returns the package variables whose full names match, sorted.
func (p *Program) Globals(ctx context.Context, match *regexp.Regexp, l Limits) (all []api.Variable, err error) {
	err = p.guard(ctx, func() error {
		s, err := p.scope(Place{})
		if err != nil {
			return err
		}
		// Loads nothing of those that do not match.
		found, err := s.PackageVariables(proc.LoadConfig{MaxStructFields: 0})
		if err != nil {
			return err
		}
		for _, v := range found {
			if !match.MatchString(v.Name) {
				continue
			}
			whole, err := s.EvalExpression(fmt.Sprintf("*(*%q)(%#x)", api.PrettyTypeName(v.DwarfType), v.Addr), l.config())
			if err == nil {
				whole.Name = v.Name
				v = whole
			} else {
				v.Unreadable = err
			}
			all = append(all, *convert(v))
			if err := p.enough(); err != nil {
				return err
			}
		}
		slices.SortFunc(all, func(a, b api.Variable) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return all, err
}

// A Frame is one of a goroutine, with its variables.
type Frame struct {
	Goroutine int64          `json:"id"`
	Frame     int            `json:"frame"`
	Function  string         `json:"function"`
	File      string         `json:"file"`
	Line      int            `json:"line"`
	Variables []api.Variable `json:"-"`
	Values    []Value        `json:"variables"`
	Frames    []string       `json:"frames"` // the functions of the goroutine's frames, the innermost first
}

// Locals returns the arguments and the variables of a frame.
func (p *Program) Locals(ctx context.Context, at Place, l Limits) (f Frame, err error) {
	err = p.guard(ctx, func() error {
		at, err := p.resolve(at)
		if err != nil {
			return err
		}
		s, err := p.scope(at)
		if err != nil {
			return err
		}
		if s.Fn == nil {
			return fmt.Errorf("nothing is known of the function in frame %d; try another -frame", at.Frame)
		}
		f = Frame{Goroutine: at.Goroutine, Frame: at.Frame, Function: s.Fn.Name, File: s.File, Line: s.Line}
		for _, frame := range p.frames(at.Goroutine) {
			name := "?"
			if frame.Call.Fn != nil {
				name = frame.Call.Fn.Name
			}
			f.Frames = append(f.Frames, name)
		}
		for _, read := range []func(proc.LoadConfig) ([]*proc.Variable, error){s.FunctionArguments, s.LocalVariables} {
			found, err := read(l.config())
			if err != nil {
				return err
			}
			for _, v := range found {
				f.Variables = append(f.Variables, *convert(v))
			}
		}
		f.Values = All(f.Variables)
		return p.enough()
	})
	return f, err
}

// A Scalar is a variable that can be set while the program runs.
type Scalar struct {
	Name string // full
	Addr uint64
	Type string // a predeclared type, or time.Duration
	Old  string // as strconv prints it
}

// Scalar finds a package variable that can be set.
func (p *Program) Scalar(ctx context.Context, name string) (s Scalar, err error) {
	err = p.guard(ctx, func() error {
		scope, err := p.scope(Place{})
		if err != nil {
			return err
		}
		v, err := scope.EvalExpression(name, Limits{String: 64}.config())
		if err != nil {
			return plain(err)
		}
		s, err = scalar(name, v)
		return err
	})
	return s, err
}

func scalar(name string, v *proc.Variable) (s Scalar, err error) {
	typ := api.PrettyTypeName(v.DwarfType)
	switch {
	case v.Unreadable != nil:
		return s, fmt.Errorf("%s cannot be read: %w", name, v.Unreadable)
	case v.Flags&proc.VariableConstant != 0:
		return s, fmt.Errorf("%s is a constant, which the compiler has put wherever it is used; a variable can be set", name)
	case v.Addr == 0 || v.RealType == nil || v.Flags&(proc.VariableFakeAddress|proc.VariableCPURegister) != 0:
		return s, fmt.Errorf("%s is the result of a computation; give the name of a package variable, as in set main.verbose true", name)
	}
	s = Scalar{Name: name, Addr: v.Addr, Type: predeclared(v), Old: api.VariableValueAsString(v)}
	switch k := v.Kind; {
	case typ == "time.Duration":
		s.Type, s.Old = typ, api.ExtractIntValue(s.Old)
	case reflect.Int <= k && k <= reflect.Uintptr:
		s.Old = api.ExtractIntValue(s.Old)
	case k == reflect.Bool, k == reflect.Float32, k == reflect.Float64:
	case k == reflect.String:
		return s, fmt.Errorf("%s is a string, of two words, which cannot be stored at once while the program reads it; numbers, bools and durations can be set", name)
	case k == reflect.Ptr, k == reflect.UnsafePointer, k == reflect.Map, k == reflect.Chan, k == reflect.Func, k == reflect.Slice, k == reflect.Interface:
		return s, fmt.Errorf("%s has the type %s: the garbage collector has to know of every pointer that is stored; numbers, bools and durations can be set", name, typ)
	default:
		return s, fmt.Errorf("%s has the type %s, of several words; a field of it may be set if that is a number, a bool or a duration", name, typ)
	}
	return s, nil
}

// predeclared returns the predeclared type that a number or bool has in memory.
// For Delve all integers are of the kinds int and uint.
func predeclared(v *proc.Variable) string {
	name := v.Kind.String()
	switch {
	case v.Kind == reflect.Int || v.Kind == reflect.Uint:
		if real := v.RealType.Common().Name; isPredeclared(real) {
			return real
		}
		return name + strconv.FormatInt(v.RealType.Size()*8, 10)
	}
	return name
}

func isPredeclared(typ string) bool {
	return slices.Contains([]string{"int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "uintptr"}, typ)
}

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
