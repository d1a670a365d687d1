//go:build darwin || freebsd

package process

// An Import says whether a program imports package armed.
type Import struct{ Linked, Variable, Hidden bool }

// ImportsArmed is for Linux.
func (p *Process) ImportsArmed() Import { return Import{} }
