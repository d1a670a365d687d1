package console

// executablePath is the kernel's own link, which leads to what runs even when
// the file was replaced or removed since.
func executablePath() (string, error) { return "/proc/self/exe", nil }
