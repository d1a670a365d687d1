package console

// executablePath returns the kernel's link to the executable, which works even if
// the file was replaced or removed since.
func executablePath() (string, error) { return "/proc/self/exe", nil }
