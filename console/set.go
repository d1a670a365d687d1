package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/globals"
)

// set sets a package variable. The peer says where it is: only a debugger knows.
func set(_ context.Context, s *session, a *args.Parsed) error {
	if err := s.cfg.MayDebug; err != nil {
		return fmt.Errorf("only a peer that may debug the process may change its variables: %w", err)
	}
	kind, before, after := a.Text("type"), a.Text("old"), a.Text("new")
	if len(a.Words) != 1 || kind == "" || before == "" || after == "" || a.Text("at") == "" {
		return errors.New("needs NAME, -at, -type, -old and -new; manhole-poke PID set NAME VALUE finds the rest")
	}
	address, err := strconv.ParseUint(a.Text("at"), 0, 64)
	if err != nil {
		return fmt.Errorf("-at %s is not an address; try 0x and hexadecimal digits", quoted(a.Text("at")))
	}
	name := a.Words[0]
	if err := globals.Set(uintptr(address), kind, before, after); err != nil {
		return fmt.Errorf("%s is not set: %w", quoted(name), err)
	}
	s.log().Warn("lazy: a variable was set", "name", name, "type", kind, "address", fmt.Sprintf("%#x", address), "old", before, "new", after)
	fmt.Fprintf(s.out, "%s was %s and is %s\n", quoted(name), quoted(before), quoted(after))
	return nil
}
