package process

import (
	"fmt"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/kernelview"
)

// NoAnswer returns an error for a process that did not answer in time: what it
// did not do, which the format says, and what that means. Its view says what the
// kernel knows, while the process exists, and the error agrees with that.
func (p *Process) NoAnswer(reason, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if p.PID == 0 {
		return exit.Errorf(exit.Timeout, reason, "%s%s", text, perhapsBusy)
	}
	view, err := p.KernelView(true)
	switch {
	case err != nil:
		return exit.Errorf(exit.Timeout, reason, "%s%s", text, perhapsBusy)
	case view.Stuck:
		return exit.WithView(exit.Errorf(exit.Timeout, reason, "%s; it cannot answer as it is, so a longer -t does not help: manhole-poke kernel %d shows why", text, p.PID), view.Text)
	}
	return exit.WithView(exit.Errorf(exit.Timeout, reason, "%s%s", text, perhapsBusy), view.Text)
}

// KernelView describes the process's threads as the kernel sees them. silent
// says that the process was asked for something and did not answer.
func (p *Process) KernelView(silent bool) (kernelview.Report, error) {
	view, err := kernelview.Describe(kernelview.Process{
		PID: p.PID, Name: p.String(), IsGo: p.ArmedNote != nil, Silent: silent, AsOwner: p.AsOwner,
	})
	if err != nil {
		return view, exit.Errorf(exit.Broken, "exited", "%s has exited", p)
	}
	return view, nil
}
