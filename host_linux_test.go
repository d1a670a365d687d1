package lazy_test

// hostDoes what a line to a target says, and returns the answer.
func hostDoes(line string) string {
	return "what?"
}
