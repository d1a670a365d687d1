package process

import (
	"reflect"
	"runtime/debug"
	"testing"
)

func TestLazyVersion(t *testing.T) {
	lazy := func(version string) *debug.Module { return &debug.Module{Path: lazyModule, Version: version} }
	replaced := func(by *debug.Module) *debug.Module {
		m := lazy("v1.0.0")
		m.Replace = by
		return m
	}
	other := &debug.Module{Path: "example.org/lazy", Version: "v1.0.0"}
	for name, c := range map[string]struct {
		b    debug.BuildInfo
		want *string
	}{
		"no modules":              {debug.BuildInfo{}, nil},
		"a test":                  {debug.BuildInfo{Path: "x.test", Main: *other}, nil},
		"not linked":              {debug.BuildInfo{Path: "x", Main: *other, Deps: []*debug.Module{other}}, new("")},
		"linked":                  {debug.BuildInfo{Path: "x", Main: *other, Deps: []*debug.Module{other, lazy("v1.2.3")}}, new("v1.2.3")},
		"lazy's own":              {debug.BuildInfo{Path: "x", Main: *lazy("(devel)")}, new("(devel)")},
		"replaced by a directory": {debug.BuildInfo{Path: "x", Deps: []*debug.Module{replaced(&debug.Module{Path: "../lazy"})}}, new("(devel)")},
		"replaced by a fork":      {debug.BuildInfo{Path: "x", Deps: []*debug.Module{replaced(&debug.Module{Path: "example.org/lazy", Version: "v9.0.0"})}}, new("v9.0.0")},
	} {
		if v := lazyVersion(&c.b); !reflect.DeepEqual(v, c.want) {
			t.Errorf("%s: %v", name, v)
		}
	}
}
