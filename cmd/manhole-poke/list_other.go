//go:build !linux

package main

import (
	"debug/buildinfo"
	"os"
	"time"

	"github.com/google/gops/goprocess"
	gopsutil "github.com/shirou/gopsutil/v3/process"
)

const armedIsTold = false

// goProcesses knows what gops knows, and what gopsutil, on which gops stands,
// adds.
func goProcesses() ([]goProcess, error) {
	var ps []goProcess
	for _, f := range goprocess.FindAll() {
		if f.PID == os.Getpid() {
			continue
		}
		p := goProcess{PID: f.PID, Name: f.Exec, Comm: f.Exec}
		if f.Path != "" {
			p.executable(f.Path)
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
		ps = append(ps, p)
	}
	sortByPID(ps)
	return ps, nil
}
