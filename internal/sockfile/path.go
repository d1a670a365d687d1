//go:build linux || darwin || freebsd

package sockfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// ChoosePath returns the first of the usual paths whose directory this process
// can use. passedOver says why it is not the very first.
func ChoosePath() (path string, passedOver, err error) {
	for _, usual := range sockpath.Usual(os.Getpid()) {
		if !abstract(usual) {
			if err := checkDirectory(filepath.Dir(usual)); err != nil {
				passedOver = errors.Join(passedOver, err)
				continue
			}
		}
		path, err = CheckPath(usual)
		return path, passedOver, err
	}
	return "", nil, fmt.Errorf("%w; choose another with WithPath", passedOver)
}

// CheckPath returns path, absolute, or an error if it is already clear that no
// socket can be bound there.
func CheckPath(path string) (string, error) {
	isFile := !abstract(path)
	if isFile {
		if !filepath.IsAbs(path) {
			dir, err := unix.Getwd()
			if err != nil {
				return "", fmt.Errorf("path %s: %w; give an absolute one with WithPath", path, err)
			}
			path = dir + "/" + path
		}
		path = filepath.Clean(path)
	}
	// One byte less than the array, for systems that want it terminated.
	if limit := len(unix.RawSockaddrUnix{}.Path) - 1; len(path) > limit {
		return "", fmt.Errorf("path %s: %d bytes, but a socket address holds %d; choose a shorter one with WithPath", path, len(path), limit)
	}
	// The path is one line of the armed note, and shells and logs show it.
	if strings.ContainsFunc(path, unicode.IsControl) {
		return "", fmt.Errorf("path %q has control characters; choose another with WithPath", path)
	}
	if path == "@" {
		return "", errors.New("path @ lacks the name of the abstract socket after the @; add one with WithPath")
	}
	if !isFile {
		return path, nil
	}
	if err := checkDirectory(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("%w; create it or choose another with WithPath", err)
	}
	// A socket may be left over from a process of this PID that was killed; the
	// ring removes that.
	if fi, err := os.Lstat(path); err == nil && fi.Mode().Type() != os.ModeSocket {
		return "", fmt.Errorf("%s exists and is not a socket; remove it or choose another path with WithPath", path)
	}
	return path, nil
}

func checkDirectory(dir string) error {
	if fi, err := os.Stat(dir); err != nil {
		return fmt.Errorf("directory of the socket: %w", err)
	} else if !fi.IsDir() {
		return fmt.Errorf("directory of the socket: %s is not a directory", dir)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("directory of the socket: %s is not writable for uid %d: %w", dir, os.Geteuid(), err)
	}
	return nil
}
