package commands

import "github.com/go-manhole/lazy/internal/frame"

// holding returns the commands that show what the process holds. They give the
// peer all of its memory.
func holding() []frame.Command {
	return []frame.Command{
		{
			Name: "freeze", Usage: "[DURATION] [-json]", Topic: Holds,
			What: "a copy of the process that stands still, for a debugger",
			Args: []frame.Arg{{Name: "DURATION", What: "when the copy ends by itself, 10m by default; a bare number is seconds"}},
			Options: []frame.Option{
				{Name: "json", What: "what is known of the copy as one line of JSON"},
			},
			Notes: []string{
				"Enter ends the copy, as does the end of the session; in a script the next line does. " +
					"The program stands still while the copy is made: for some milliseconds, and more the more memory it uses. " +
					"Then it runs on, and what it changes takes memory twice until the copy ends.",
				"The copy contains everything that the process has in memory, secrets too. " +
					"It lacks the other threads' registers and regions with MADV_DONTFORK; shared memory is not copied. " +
					"Its one thread sleeps: a debugger can look at it, but not run it. Linux only (amd64 and arm64).",
			},
			Example: "freeze 5m",
		},
		{
			Name: "core", Usage: "[-gz]", Topic: Holds, Binary: true,
			What: "a core file of such a copy, for delve and gdb (binary)",
			Options: []frame.Option{
				{Name: "gz", What: "compressed with gzip"},
			},
			Notes: []string{
				"The file lacks what can be read from the program's files, so dlv core and gdb need the executable too: binary gives it. " +
					"It also lacks what the program excluded from core files (MADV_DONTDUMP). Memory that was never written takes no space. " +
					"The copy exists until the file is sent; see also help freeze.",
			},
			Example: "core",
		},
	}
}
