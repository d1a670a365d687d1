package values

// Check checks that an executable has symbols, or that its twin has and is of
// the same build. The twin may be "".
func Check(exe, twin string) error {
	_, err := check(exe, twin)
	return err
}
