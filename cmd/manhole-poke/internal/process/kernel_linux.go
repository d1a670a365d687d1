package process

import (
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/kernelview"
)

// NoAnswer returns an error for a process that did not answer in time. Its
// view says what the kernel knows, while the process exists.
func (p *Process) NoAnswer(reason, format string, args ...any) error {
	err := exit.Errorf(exit.Timeout, reason, format, args...)
	if view, viewErr := p.KernelView(true); viewErr == nil && p.PID != 0 {
		return exit.WithView(err, view)
	}
	return err
}

// KernelView describes the process's threads as the kernel sees them. silent
// says that the process was asked for something and did not answer.
func (p *Process) KernelView(silent bool) (string, error) {
	view, err := kernelview.Describe(kernelview.Process{
		PID: p.PID, Name: p.String(), IsGo: p.ArmedNote != nil, Silent: silent, AsOwner: p.AsOwner,
	})
	if err != nil {
		return "", exit.Errorf(exit.Broken, "exited", "%s has exited", p)
	}
	return view, nil
}
