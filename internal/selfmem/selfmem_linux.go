// Package selfmem reads the memory of this process at addresses that may no longer
// be valid, which cannot fault here.
//
// That is process_vm_readv(2) on oneself. A seccomp filter may kill the process for
// that call, which no one can find out beforehand, so where there is a filter it is
// /proc/self/mem: open(2) and pread(2) are what every program needs. So it is where
// the kernel does not have the call.
package selfmem

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read fills b from an address, and returns how many bytes it read. If these are
// fewer than len(b), err may say why.
func Read(b []byte, address uint64) (n int, err error) {
	return ReadMany(b, []uint64{address}, len(b))
}

// ReadMany reads size bytes at each address, one behind the other, up to the first
// that cannot be read.
func ReadMany(b []byte, addresses []uint64, size int) (n int, err error) {
	if size == 0 || len(addresses) == 0 {
		return 0, nil
	}
	if filtered() {
		return readFile(b, addresses, size)
	}
	pid := os.Getpid()
	var remote [64]unix.RemoteIovec
	for len(addresses) > 0 {
		batch := addresses[:min(len(addresses), len(remote))]
		addresses = addresses[len(batch):]
		for i, a := range batch {
			remote[i] = unix.RemoteIovec{Base: uintptr(a), Len: size}
		}
		part := b[n:][:size*len(batch)]
		local := unix.Iovec{Base: unsafe.SliceData(part)}
		local.SetLen(len(part))
		got, err := unix.ProcessVMReadv(pid, []unix.Iovec{local}, remote[:len(batch)], 0)
		if err == unix.ENOSYS { // without CONFIG_CROSS_MEMORY_ATTACH
			got, err := readFile(b[n:], append(batch, addresses...), size)
			return n + got, err
		}
		if err != nil {
			return n, os.NewSyscallError("process_vm_readv", err)
		}
		if n += got; got < len(part) {
			break
		}
	}
	return n, nil
}

// filtered reports whether there is a seccomp filter. Where prctl(2) fails, there
// may be one.
func filtered() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return err != nil && err != unix.EINVAL || mode != 0 // EINVAL: the kernel has none
}

func readFile(b []byte, addresses []uint64, size int) (n int, err error) {
	fd, err := unix.Open("/proc/self/mem", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: "/proc/self/mem", Err: err}
	}
	defer unix.Close(fd)
	for _, a := range addresses {
		if int64(a) < 0 {
			return n, nil
		}
		got, err := unix.Pread(fd, b[n:n+size], int64(a))
		n += max(got, 0)
		if err != nil || got < size {
			return n, err
		}
	}
	return n, nil
}
