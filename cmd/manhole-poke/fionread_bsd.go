//go:build darwin || freebsd

package main

// fionread is FIONREAD of <sys/filio.h>, which package unix does not have.
const fionread = 0x4004667f
