//go:build linux || darwin || freebsd

package lazy

// RoomForThreads is for a target that a test has limited.
var RoomForThreads = roomForThreads
