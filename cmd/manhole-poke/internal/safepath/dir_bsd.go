//go:build darwin || freebsd

package safepath

import "golang.org/x/sys/unix"

// openDir opens a directory that need not be readable.
const openDir = unix.O_SEARCH

func inProc(int) bool { return false }

// readLink returns the owner of a symlink and where it leads. Who owns the
// directory could swap it in between, and back.
func readLink(dir int, name string) (Info, string, error) {
	var st, again unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Info{}, "", err
	}
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(dir, name, buf)
	if err == nil {
		err = unix.Fstatat(dir, name, &again, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil && (infoOf(&st) != infoOf(&again)) {
		err = unix.ESTALE
	}
	return infoOf(&st), string(buf[:max(n, 0)]), err
}
