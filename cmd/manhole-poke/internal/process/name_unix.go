//go:build linux || darwin || freebsd

package process

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

// ByName returns the PID of the Go process whose executable or comm name is
// exactly name. Part of a name is not enough: "manhole-poke stats", with
// the target forgotten, must not send a command to statsd-exporter.
//
// If several match, those that this user may not signal do not count. If one
// user owns all that are left, the only armed one is chosen, because nothing
// can be said to the others; not so with unarmed, by which one that does not
// say that it is armed may be meant. All must belong to one user because a
// process chooses its own name, and may take that of another user's process.
//
// hints are added to the error for a name that nothing has.
func ByName(name string, unarmed bool, hints ...string) (int, error) {
	all, err := List()
	if err != nil {
		return 0, err
	}
	found := filter(all, func(i *Info) bool { return i.isCalled(name) })
	if len(found) == 0 {
		return 0, exit.Errorf(exit.NotFound, "no-such-process", "no Go process is called %q%s; list the processes with manhole-poke", name, similar(all, name, hints))
	}
	if mine := filter(found, func(i *Info) bool { return Signallable(i.PID) }); len(mine) > 0 {
		found = mine
	}
	if len(found) == 1 {
		return found[0].PID, nil
	}
	if armed := filter(found, (*Info).MayBeArmed); !unarmed && len(armed) == 1 && armed[0].Armed != nil && ofOneUser(found) {
		return armed[0].PID, nil
	}
	return 0, exit.Errorf(exit.NotFound, "ambiguous", "%d Go processes are called %q: %s; try one of these PIDs", len(found), name, first(found, (*Info).summary))
}

// similar suggests what may be meant by a name that nothing has.
func similar(all []Info, name string, hints []string) string {
	if name == "" {
		return ""
	}
	var meant []string
	found := filter(all, func(i *Info) bool {
		return strings.Contains(strings.ToLower(i.Name), strings.ToLower(name))
	})
	if len(found) > 0 {
		meant = append(meant, first(found, func(i *Info) string { return fmt.Sprintf("%s (%d)", i.Name, i.PID) }))
	}
	if meant = append(meant, hints...); meant == nil {
		return ""
	}
	return ", but there is " + strings.Join(meant, ", and ")
}

// first joins a few texts, so that the line can still be read.
func first(all []Info, text func(*Info) string) string {
	const max = 8
	var texts []string
	for _, i := range all[:min(len(all), max)] {
		texts = append(texts, text(&i))
	}
	if n := len(all) - max; n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(texts, ", ")
}

func (i *Info) summary() string {
	user, armed := "?", "armed or not is hidden"
	if i.User != nil {
		user = *i.User
	}
	switch {
	case i.Armed == nil:
	case *i.Armed:
		armed = "armed"
	default:
		armed = "not armed"
	}
	return fmt.Sprintf("%d (%s, %s)", i.PID, user, armed)
}

func ofOneUser(all []Info) bool {
	return !slices.ContainsFunc(all, func(i Info) bool {
		return i.UID == nil || *i.UID != *all[0].UID
	})
}

// Armed returns the PIDs of the Go processes that say that they are armed and
// that this user may signal. That there is none is an error.
func Armed() ([]int, error) {
	if !SaysArmed {
		return nil, exit.Errorf(exit.Unsupported, "unsupported", "processes on this system do not say that they are armed; give their PIDs")
	}
	all, err := List()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, i := range all {
		if i.Armed != nil && *i.Armed && Signallable(i.PID) {
			pids = append(pids, i.PID)
		}
	}
	if len(pids) == 0 {
		return nil, exit.Errorf(exit.NotArmed, "not-armed", "no Go process that you may signal says that it is armed; list all with manhole-poke")
	}
	return pids, nil
}

// Reachable returns the Go processes that may be armed and that this user may
// signal.
func Reachable() ([]Info, error) {
	all, err := List()
	return filter(all, func(i *Info) bool { return i.MayBeArmed() && Signallable(i.PID) }), err
}

func filter(all []Info, ok func(*Info) bool) []Info {
	var kept []Info
	for _, i := range all {
		if ok(&i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// maxComm is the length of comm in bytes: TASK_COMM_LEN in
// include/linux/sched.h, less the NUL.
const maxComm = 15

func (i *Info) isCalled(name string) bool {
	if i.Path == nil && len(name) > maxComm { // comm is all there is to compare with
		name = name[:maxComm]
	}
	return name != "" && (i.Name == name || i.Comm == name)
}
