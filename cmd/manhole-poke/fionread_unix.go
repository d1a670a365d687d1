//go:build unix && !linux

package main

// fionread is FIONREAD of <sys/filio.h>, which package unix lacks.
const fionread = 0x4004667f
