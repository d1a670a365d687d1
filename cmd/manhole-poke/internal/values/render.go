package values

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-delve/delve/service/api"
)

// A Value is a value for programs.
type Value struct {
	Name string `json:"name,omitempty"` // of a variable or a field
	Type string `json:"type"`
	Kind string `json:"kind"`           // as package reflect calls it
	Addr string `json:"addr,omitempty"` // hexadecimal; not of a field

	// Value is that of a bool, a number or a string, or the name of a function.
	// Numbers that JSON has not are strings: NaN, +Inf, -Inf, and complex ones.
	Value any    `json:"value,omitempty"`
	Bytes []byte `json:"bytes,omitempty"` // of a string that is not UTF-8, as base64
	Const string `json:"const,omitempty"` // the constants that have this value
	Nil   bool   `json:"nil,omitempty"`

	Len *int64 `json:"len,omitempty"`
	Cap *int64 `json:"cap,omitempty"`

	Fields   []Value `json:"fields,omitempty"`   // of a struct, or of a closure
	Elements []Value `json:"elements,omitempty"` // of an array or slice
	Entries  []Entry `json:"entries,omitempty"`  // of a map
	Elem     *Value  `json:"elem,omitempty"`     // what a pointer or an interface refers to

	// Cut is how many bytes, elements, entries or fields are left out.
	Cut        int64  `json:"cut,omitempty"`
	Unreadable string `json:"unreadable,omitempty"` // why
}

// An Entry is one of a map.
type Entry struct {
	Key   Value `json:"key"`
	Value Value `json:"value"`
}

// A Type is what whatis answers.
type Type struct {
	Type       string `json:"type"`
	Kind       string `json:"kind"`
	Underlying string `json:"underlying,omitempty"`
	Dynamic    string `json:"dynamic,omitempty"` // of what an interface holds
	Constant   bool   `json:"constant,omitempty"`
}

func (t Type) String() string {
	text := t.Type
	if text == "" {
		text = "untyped " + t.Kind
	}
	if t.Underlying != "" {
		text += "\nunderlying type: " + t.Underlying
	}
	if t.Dynamic != "" {
		text += "\nholds: " + t.Dynamic
	}
	if t.Constant {
		text += "\na constant"
	}
	return text + "\n"
}

// Of returns a variable of Delve as a value.
func Of(v *api.Variable) Value {
	r := Value{Name: v.Name, Type: v.Type, Kind: v.Kind.String(), Unreadable: v.Unreadable}
	if isPredeclared(v.RealType) {
		r.Kind = v.RealType
	}
	if v.Addr != 0 && v.Flags&api.VariableFakeAddress == 0 {
		r.Addr = fmt.Sprintf("%#x", v.Addr)
	}
	if v.Unreadable != "" {
		return r
	}
	if cut(v) > 0 {
		r.Cut = cut(v)
	}
	length := func() { r.Len = &v.Len }
	switch v.Kind {
	case reflect.Bool:
		r.Value = v.Value == "true"
	case reflect.String:
		length()
		r.Value = v.Value
		if !utf8.ValidString(v.Value) {
			r.Bytes = []byte(v.Value)
		}
	case reflect.Float32, reflect.Float64:
		r.Value = v.Value
		if f, err := strconv.ParseFloat(v.Value, 64); err == nil && isFinite(f) {
			r.Value = json.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	case reflect.Complex64, reflect.Complex128:
		if len(v.Children) == 2 {
			r.Value = fmt.Sprintf("(%s + %si)", v.Children[0].Value, v.Children[1].Value)
		}
	case reflect.Ptr:
		if len(v.Children) == 0 || v.Children[0].Addr == 0 {
			r.Nil = true
			break
		}
		r.Value = fmt.Sprintf("%#x", v.Children[0].Addr)
		if !v.Children[0].OnlyAddr {
			r.Elem = new(Of(&v.Children[0]))
		}
	case reflect.UnsafePointer:
		if len(v.Children) > 0 {
			r.Value = fmt.Sprintf("%#x", v.Children[0].Addr)
		}
	case reflect.Interface:
		if len(v.Children) == 0 || v.Children[0].Kind == reflect.Invalid && v.Children[0].Addr == 0 {
			r.Nil = true
			break
		}
		r.Elem = new(Of(&v.Children[0]))
	case reflect.Slice, reflect.Array:
		length()
		if v.Kind == reflect.Slice {
			r.Cap, r.Nil = &v.Cap, v.Base == 0 && v.Len == 0
		}
		r.Elements = All(v.Children)
	case reflect.Map:
		length()
		r.Nil = v.Base == 0 && v.Len == 0
		for i := 0; i+1 < len(v.Children); i += 2 {
			r.Entries = append(r.Entries, Entry{Of(&v.Children[i]), Of(&v.Children[i+1])})
		}
	case reflect.Func:
		r.Value, r.Nil = v.Value, v.Value == ""
		r.Fields = fields(v.Children)
	case reflect.Struct:
		if v.Value != "" {
			r.Value = v.Value // of a time.Time
		}
		r.Fields = fields(v.Children)
	case reflect.Chan:
		r.Nil = len(v.Children) == 0
		r.Len, r.Cap = field(v, "qcount"), field(v, "dataqsiz")
		r.Fields = fields(v.Children)
	default:
		if n := api.ExtractIntValue(v.Value); n != "" && json.Valid([]byte(n)) {
			r.Value = json.Number(n)
			if n != v.Value {
				r.Const = strings.TrimSuffix(v.Value, " ("+n+")")
			}
		} else if v.Value != "" {
			r.Value = v.Value
		}
	}
	return r
}

// fields returns the fields of a struct, without their addresses, which would be
// much of the answer.
func fields(vars []api.Variable) []Value {
	all := All(vars)
	for i := range all {
		all[i].Addr = ""
	}
	return all
}

// field returns the value of an integer field, or nil.
func field(v *api.Variable, name string) *int64 {
	for _, c := range v.Children {
		if n, err := strconv.ParseInt(c.Value, 10, 64); c.Name == name && err == nil {
			return &n
		}
	}
	return nil
}

// All returns variables of Delve as values.
func All(vars []api.Variable) (values []Value) {
	for i := range vars {
		values = append(values, Of(&vars[i]))
	}
	return values
}

// cut returns how much of v itself is left out.
func cut(v *api.Variable) int64 {
	have := int64(len(v.Children))
	switch v.Kind {
	case reflect.String:
		have = int64(len(v.Value))
	case reflect.Map:
		have /= 2
	case reflect.Slice, reflect.Array, reflect.Struct:
	default:
		return 0
	}
	if v.OnlyAddr || v.Unreadable != "" {
		return 0
	}
	return v.Len - have
}

// isCut reports whether anything of v is left out.
func isCut(v *api.Variable) bool {
	if cut(v) > 0 || v.OnlyAddr && v.Addr != 0 {
		return true
	}
	if v.Kind == reflect.UnsafePointer {
		return false
	}
	for i := range v.Children {
		if isCut(&v.Children[i]) {
			return true
		}
	}
	return false
}

const cutHint = "(some is left out: -depth, -strings and -len show more)\n"

// Write writes a value for people, over several lines if it is large.
func Write(w io.Writer, v *api.Variable) {
	io.WriteString(w, v.StringWithOptions("", "", api.PrettyNewlines)+"\n")
	if isCut(v) {
		io.WriteString(w, cutHint)
	}
}

// WriteAll writes variables, each on a line.
func WriteAll(w io.Writer, vars []api.Variable) {
	hint := false
	for i := range vars {
		v := &vars[i]
		name := v.Name
		if v.Flags&api.VariableShadowed != 0 {
			name = "(" + name + ")" // as Delve shows it
		}
		fmt.Fprintf(w, "%s = %s\n", name, v.SinglelineString())
		hint = hint || v.Kind != reflect.Chan && isCut(v) // only its length is shown
	}
	if hint {
		io.WriteString(w, cutHint)
	}
}
