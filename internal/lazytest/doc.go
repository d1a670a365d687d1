// Package lazytest starts armed programs for tests and talks to them.
//
// The program under test is the test binary itself, started again in a role, so
// that it has the tests' build tags, race detector and architecture. TestMain
// registers the roles:
//
//	func TestMain(m *testing.M) {
//		lazytest.Play(lazytest.Roles{"armed": armedMain})
//		os.Exit(m.Run())
//	}
//
// A role reads its arguments from os.Args, prints the line "ready" when it is,
// and returns when its standard input ends. A test starts it and holds a
// session:
//
//	p := lazytest.Start(t, "armed", "-spin", "500")
//	p.Ring()
//	c := p.Dial()
//	lazytest.Until(t, c, lazytest.Prompt)
//	lazytest.Rest(t, c)
//	p.Gone()
//
// [Launch] starts a role in another way: as another user ([AsUser]), in
// namespaces ([InNamespaces], [Container]) or through a shell, and lets the role
// fail to start. [StartWindow] and [OpenTerminal] are terminals. What needs a
// program or a right that is not there skips the test and says so.
//
// With go test -cover the roles may exit by themselves, and their coverage counts:
//
//	go test -cover -coverpkg=github.com/go-manhole/lazy/... .
package lazytest
