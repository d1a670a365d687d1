package gopsagent

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestGopsFileInTheWay(t *testing.T) {
	ownDirectory(t)
	agent := poketest.Start(t, "with gops's agent")
	poketest.Run(t, "", "gops", agent.PID).Fails(t, exit.Busy, agent.PID, "already has a gops agent", "gops stack "+agent.PID+" works without")
	if r := runGops(t, "version", agent.PID); r.Status != 0 {
		t.Errorf("the agent's file was harmed: %+v", r)
	}

	target := poketest.Start(t, "lazy")
	g := startGops(t, target.PID)
	poketest.Run(t, "", "gops", target.PID).Fails(t, exit.Busy, "port "+g.port, "another manhole-poke gops "+target.PID)
	if r := runGops(t, "version", target.PID); r.Status != 0 {
		t.Errorf("the first one was harmed: %+v", r)
	}
	g.cmd.Process.Kill()
	<-g.ended
	// The file that it left behind is of no use.
	if r := runGops(t, "version", target.PID); r.Status != 1 || !strings.Contains(r.Stderr, "connection refused") {
		t.Errorf("%+v", r)
	}
	file := g.file
	for _, text := range []string{g.port, "", "rubbish\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g = startGops(t, target.PID)
		if r := runGops(t, "version", target.PID); r.Status != 0 {
			t.Errorf("over %q: %+v", text, r)
		}
		g.signalled(t, syscall.SIGTERM)
	}

	// An agent that starts in the meantime overwrites the file.
	g = startGops(t, target.PID)
	if err := os.WriteFile(file, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.cmd.Process.Signal(syscall.SIGTERM)
	<-g.ended
	if text, err := os.ReadFile(file); string(text) != "1" {
		t.Errorf("its file became %q, %v", text, err)
	}
	os.Remove(file)

	for what, place := range map[string]func() error{
		"a directory":     func() error { return os.Mkdir(file, 0o700) },
		"a pipe":          func() error { return syscall.Mkfifo(file, 0o600) },
		"a link":          func() error { return os.Symlink("victim", file) },
		"another's link":  func() error { return errors.Join(os.Symlink("victim", file), os.Lchown(file, 65533, -1)) },
		"a socket, or so": func() error { return syscall.Mknod(file, syscall.S_IFSOCK|0o600, 0) },
	} {
		if err := place(); err != nil {
			t.Skip(what, err)
		}
		poketest.Run(t, "", "gops", target.PID).Fails(t, exit.LocalIO, file)
		os.Remove(file)
		if lazytest.Exists(filepath.Join(filepath.Dir(file), "victim")) {
			t.Errorf("%s was followed", what)
		}
	}
	t.Setenv("GOPS_CONFIG_DIR", "/proc/none")
	poketest.Run(t, "", "gops", target.PID).Fails(t, exit.LocalIO, "/proc/none", "GOPS_CONFIG_DIR")
}

// In a container the process has another pid, another /tmp and another
// loopback interface; gops uses the PID here.
func TestGopsInContainer(t *testing.T) {
	lazytest.NeedRoot(t)
	ownDirectory(t)
	target := startContained(t, "lazy")
	g := startGops(t, target.PID)
	for _, command := range []string{"version", "stats"} {
		if r := runGops(t, command, target.PID); r.Status != 0 || !strings.HasPrefix(r.Stdout, "go") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	g.signalled(t, syscall.SIGTERM)
}

// The agent may be in a network namespace that gops cannot reach.
func TestGopsAgentInNetworkNamespace(t *testing.T) {
	lazytest.NeedRoot(t)
	ownDirectory(t)
	target := startContained(t, "with gops's agent")
	// As if it shared the directory too, and not the pid namespace.
	file := filepath.Join(os.Getenv("GOPS_CONFIG_DIR"), target.PID)
	port, err := os.ReadFile(filepath.Join("/proc", target.PID, "root", filepath.Dir(file), "1"))
	if err == nil {
		err = os.WriteFile(file, port, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	poketest.Run(t, "", "gops", target.PID).Fails(t, exit.Busy, "in its network namespace", "nsenter -t "+target.PID+" -n gops stack "+target.PID)
}

func TestGopsUsage(t *testing.T) {
	ownDirectory(t)
	for _, args := range [][]string{
		{"gops"}, {"gops", "1", "stack"}, {"gops", "0"}, {"gops", "99999999999999999999"}, {"gops", "--for", "0", "1"},
		{"gops", "--for", "soon", "1"}, {"gops", "--json", "1"}, {"gops", "/tmp/x"}, {"--for", "1m", "1"}, {"--for", "1m"},
	} {
		poketest.Run(t, "", args...).Fails(t, exit.Usage)
	}
	for role, s := range map[string]exit.Status{"unarmed": exit.NotArmed, "ignoring": exit.NotArmed} {
		target := poketest.Start(t, role)
		poketest.Run(t, "", "gops", target.PID).Fails(t, s, target.PID)
	}
	if left, _ := os.ReadDir(os.Getenv("GOPS_CONFIG_DIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	poketest.Run(t, "", "gops", "no-such-name").Fails(t, exit.NotFound, "no-such-name")
}

// In a user namespace in which the kernel shows other users as this one, they
// could not be told apart.
func TestGopsWhereUsersLookAlike(t *testing.T) {
	lazytest.InNamespaces(t, "", "-U")
	ownDirectory(t)
	g := poketest.Start(t, "armed")
	r := poketest.Finish(t, exec.Command("unshare", "-U", poketest.Binary(t), "gops", g.PID))
	r.Fails(t, exit.Unsupported, "all users that are not mapped look like you", "as its root")
	g.Unharmed(t)
}
