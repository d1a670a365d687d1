// Package expvars makes what the program published with package expvar available
// to the console's command vars:
//
//	import _ "github.com/go-manhole/lazy/expvars"
//
// Importing it also imports expvar, which brings in net/http (about 2 MB) and
// registers /debug/vars with http.DefaultServeMux. A program that uses expvar
// already pays nothing more.
package expvars

import (
	"expvar"

	"github.com/go-manhole/lazy/console"
)

func init() { console.HandleVars(each) }

// each calls yield after it released expvar's lock: a peer that reads slowly must
// not keep the program from publishing.
func each(yield func(name string, value func() string)) {
	var all []expvar.KeyValue
	expvar.Do(func(kv expvar.KeyValue) { all = append(all, kv) })
	for _, kv := range all {
		yield(kv.Key, kv.Value.String)
	}
}
