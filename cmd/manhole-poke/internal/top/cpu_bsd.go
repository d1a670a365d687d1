//go:build darwin || freebsd

package top

import "time"

func cpuUsed(int) (time.Duration, bool) { return 0, false }
