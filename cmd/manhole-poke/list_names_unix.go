//go:build unix

package main

import (
	"fmt"
	"slices"
	"strings"
)

// resolve finds the Go process that a name means: the base name of its
// executable, or comm. The whole name is needed: who forgets the target and
// types manhole-poke stats must not get a command into statsd-exporter.
//
// Of several, those that this user may not signal anyway do not count, and
// one that is armed is meant if the others surely are not, because nothing
// can be said to them. But then all must be of one user: a name is what a
// process calls itself, and anybody's may call itself like another's.
func resolve(o options, name string) (int, error) {
	all, err := goProcesses()
	if err != nil {
		return 0, err
	}
	ps := keep(all, func(p *goProcess) bool { return p.called(name) })
	if len(ps) == 0 {
		return 0, failf(statusNoProcess, "no Go process is called %q%s; manhole-poke alone lists all", name, alike(all, name))
	}
	if mine := keep(ps, func(p *goProcess) bool { return ringable(p.PID) }); len(mine) > 0 {
		ps = mine
	}
	if len(ps) == 1 {
		return ps[0].PID, nil
	}
	// With -s, one that says nothing of being armed may be meant.
	if armed := keep(ps, (*goProcess).mayBeArmed); o.signal == "" && len(armed) == 1 && armed[0].Armed != nil && ofOneUser(ps) {
		return armed[0].PID, nil
	}
	return 0, failf(statusAmbiguous, "%d Go processes are called %q: %s; try one of these PIDs", len(ps), name, some(ps, (*goProcess).candidate))
}

// alike suggests what may be meant by a name that nothing has.
func alike(all []goProcess, name string) string {
	if name == "" {
		return ""
	}
	var meant []string
	ps := keep(all, func(p *goProcess) bool {
		return strings.Contains(strings.ToLower(p.Name), strings.ToLower(name))
	})
	if len(ps) > 0 {
		meant = append(meant, some(ps, func(p *goProcess) string { return fmt.Sprintf("%s (%d)", p.Name, p.PID) }))
	}
	for _, s := range subcommandsLike(name) {
		meant = append(meant, "the subcommand "+s)
	}
	if meant == nil {
		return ""
	}
	return ", but there is " + strings.Join(meant, ", and ")
}

// some leaves a line short enough to read.
func some(ps []goProcess, text func(*goProcess) string) string {
	const most = 8
	var texts []string
	for _, p := range ps[:min(len(ps), most)] {
		texts = append(texts, text(&p))
	}
	if n := len(ps) - most; n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(texts, ", ")
}

func (p *goProcess) candidate() string {
	user, armed := unknown, "armed or not is hidden"
	if p.User != nil {
		user = *p.User
	}
	switch {
	case p.Armed == nil:
	case *p.Armed:
		armed = "armed"
	default:
		armed = "not armed"
	}
	return fmt.Sprintf("%d (%s, %s)", p.PID, user, armed)
}

func ofOneUser(ps []goProcess) bool {
	return !slices.ContainsFunc(ps, func(p goProcess) bool {
		return p.UID == nil || *p.UID != *ps[0].UID
	})
}

// everyArmed is what --all means: the processes that say that they are armed,
// and that this user may signal.
func everyArmed() ([]int, error) {
	if !armedIsTold {
		return nil, failf(statusUnsupported, "this system does not tell from outside which processes are armed; try with their PIDs")
	}
	all, err := goProcesses()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, p := range all {
		if p.Armed != nil && *p.Armed && ringable(p.PID) {
			pids = append(pids, p.PID)
		}
	}
	if len(pids) == 0 {
		return nil, failf(statusUnarmed, "no Go process that you may ring says that it is armed; manhole-poke alone lists all that can be seen")
	}
	return pids, nil
}

// ringable says whether this user may signal the process.
func ringable(pid int) bool {
	p := process{pid: pid, handle: -1}
	return p.signal(0) == nil
}

func keep(ps []goProcess, ok func(*goProcess) bool) []goProcess {
	var kept []goProcess
	for _, p := range ps {
		if ok(&p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// commMax is how long the kernel lets comm be: TASK_COMM_LEN in
// include/linux/sched.h, less the byte that ends it.
const commMax = 15

func (p *goProcess) called(name string) bool {
	if p.Path == nil && len(name) > commMax { // comm is all there is to compare with
		name = name[:commMax]
	}
	return name != "" && (p.Name == name || p.Comm == name)
}

func (p *goProcess) mayBeArmed() bool { return p.Armed == nil || *p.Armed }
