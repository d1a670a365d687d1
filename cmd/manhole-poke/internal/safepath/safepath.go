// Package safepath opens files by name where other users may change what the
// name leads to while it is opened, as in /tmp, or in a directory of theirs.
//
// A name is resolved one component at a time, each relative to the open
// directory before it, so that nothing that was looked at can be swapped before
// it is used. The rules are those of the sysctls fs.protected_symlinks,
// protected_fifos and protected_regular (proc_sys_fs(5)), and stricter in two
// points, because not every system has them and root is exempt from some:
//
//   - A symlink is followed only if it belongs to the caller or to root.
//   - In a directory where everybody may create files, what exists is used only
//     if it belongs to the caller, to root, or to the directory's owner.
package safepath
