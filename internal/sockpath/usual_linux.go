package sockpath

import (
	"path/filepath"
)

// Usual returns where the socket of a process may be if the program did not
// choose: the first that can be made. The last needs no directory.
func Usual(pid int) []string {
	path := Default(pid)
	name := filepath.Base(path)
	return []string{path, "/dev/shm/" + name, "@" + name}
}
