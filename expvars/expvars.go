// Package expvars gives the console's command vars what the program published
// with package expvar:
//
//	import _ "github.com/go-manhole/lazy/expvars"
//
// It is a package of its own because expvar brings net/http with it, some
// 2 MB of it, and registers /debug/vars with http.DefaultServeMux. A program
// that uses expvar pays nothing more.
package expvars

import (
	"expvar"

	"github.com/go-manhole/lazy/console"
)

func init() { console.HandleVars(each) }

// each calls yield when expvar's lock is free again: a peer that reads slowly
// must not keep the program from publishing.
func each(yield func(name string, value func() string)) {
	var all []expvar.KeyValue
	expvar.Do(func(kv expvar.KeyValue) { all = append(all, kv) })
	for _, kv := range all {
		yield(kv.Key, kv.Value.String)
	}
}
