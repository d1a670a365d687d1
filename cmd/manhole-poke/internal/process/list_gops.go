//go:build !linux

package process

import (
	"debug/buildinfo"
	"os"
	"time"

	"github.com/google/gops/goprocess"
	gopsutil "github.com/shirou/gopsutil/v3/process"
)

// SaysArmed reports whether processes on this system say that they are armed.
const SaysArmed = false

// List returns the Go processes that gops finds, by PID, without this one.
// gopsutil, on which gops stands, adds the user and the time.
func List() ([]Info, error) {
	var all []Info
	for _, f := range goprocess.FindAll() {
		if f.PID == os.Getpid() {
			continue
		}
		p := Info{PID: f.PID, Name: f.Exec, Comm: f.Exec}
		if f.Path != "" {
			p.setExecutable(f.Path)
		}
		if f.BuildVersion != "" {
			p.Go = &f.BuildVersion
		}
		if b, err := buildinfo.ReadFile(f.Path); err == nil {
			p.Lazy = lazyVersion(b)
		}
		if proc, err := gopsutil.NewProcess(int32(f.PID)); err == nil {
			if name, err := proc.Username(); err == nil {
				p.User = &name
			}
			if ms, err := proc.CreateTime(); err == nil {
				p.Up = new(int64(max(0, time.Since(time.UnixMilli(ms))) / time.Second))
			}
		}
		all = append(all, p)
	}
	sortByPID(all)
	return all, nil
}
