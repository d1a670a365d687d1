//go:build linux || darwin || freebsd

package lazy

import "time"

// RoomForThreads is for a target that a test has limited.
var RoomForThreads = roomForThreads

// SetStall has a target bear with a peer that reads nothing for longer.
func SetStall(d time.Duration) { stall = d }
