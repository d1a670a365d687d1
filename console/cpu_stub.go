//go:build !linux && !darwin && !freebsd

package console

import "time"

func cpuUsed() (time.Duration, bool) { return 0, false }
