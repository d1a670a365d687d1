package exit

// A Row describes a status for the manual.
type Row struct {
	Status  Status
	Meaning string
	Reasons []string // in the order in which they are listed
}

// Table lists all statuses in ascending order. Help, the manual and the
// documentation are made from it.
var Table = []Row{
	{OK, "success", nil},
	{Command, "a command failed; its answer says why", []string{
		"command-failed", // of the only one
		"commands-failed",
		"no-stacks",   // of kernel
		"no-debugger", // without symbols, or with another build's
	}},
	{Usage, "the command line is wrong", []string{
		"usage",
		"bad-signal",
		"binary-to-terminal",
		"script-too-long",
		"another-build", // the executable of debug --core
		"not-gops",      // somebody else connected to the port of manhole-poke gops
	}},
	{NotFound, "no such process or socket, or the name is ambiguous; nothing was signalled", []string{
		"no-such-process",
		"not-a-process", // a thread
		"zombie",
		"ambiguous",
		"nobody-listens",
	}},
	{NotArmed, "the process is not armed, or not for this signal or path; it was not signalled", []string{
		"not-armed",
		"not-go",
		"without-lazy",
		"signal-not-caught",
		"signal-ignored",
		"signal-blocked",
		"handles-signal", // the program itself, which is not armed for it
		"other-signal",
		"other-path",
		"note-not-understood",
	}},
	{Denied, "not permitted: another user's process, a refused session, or another listener in the process's place", []string{
		"permission",
		"refused",
		"inaccessible", // the process or its root directory cannot be inspected
		"other-network",
		"wrong-listener",
		"path-taken", // by what is no socket, or not the process's
		"restricted", // by --restricted
	}},
	{Busy, "somebody else has the session, or the process already has a gops agent", []string{
		"busy",
		"path-shared", // with another armed process
		"has-gops-agent",
	}},
	{Timeout, "no answer in time, or none possible: the process is stopped or frozen", []string{
		"socket-not-opened",
		"no-copy", // of the process, from its signal handler
		"not-accepted",
		"no-greeting",
		"stalled", // in the middle of an answer
		"file-system",
		"stopped",
		"traced",
		"frozen",
		"demo-not-ready",
		"gops-said-nothing",
	}},
	{Broken, "the process exited, or ended the session early", []string{
		"copy-ended", // of debug: its time was over
		"exited",
		"session-ended",
		"hung-up",
		"not-understood",
	}},
	{Partial, "some of several processes did not answer", []string{
		"some-did-not-answer",
	}},
	{LocalIO, "local I/O error: standard input or output, a file, or the demo", []string{
		"local-io",
		"input",
		"output",
		"file",
		"file-exists",
		"terminal",
		"demo",
		"gops-file",
		"loopback",
		"signal-failed",
		"connect-failed",
	}},
	{Unsupported, "not possible on this system or in this namespace", []string{
		"unsupported",
		"listener-unknown",
		"user-namespace",
	}},
	{Signalled, "plus N: ended by signal N, as by Ctrl-C (130)", []string{
		"interrupted",
	}},
}
