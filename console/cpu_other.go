//go:build !unix

package console

import "time"

func cpuUsed() (time.Duration, bool) { return 0, false }
