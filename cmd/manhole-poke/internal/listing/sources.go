package listing

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode"
)

const maxSource = 8 << 20

// Sources finds source files, which may have been compiled elsewhere.
type Sources struct {
	Dirs []string // where to look for what is not where it was compiled
	Mod  string   // the module cache, or ""
}

// Local returns the sources of this machine: the working directory and the one
// above it, GOROOT, and the module cache.
func Local() Sources {
	var s Sources
	if wd, err := os.Getwd(); err == nil {
		s.Dirs = append(s.Dirs, wd, filepath.Dir(wd))
	}
	root := os.Getenv("GOROOT")
	if root == "" {
		if tool, err := exec.LookPath("go"); err == nil {
			if tool, err = filepath.EvalSymlinks(tool); err == nil {
				root = filepath.Dir(filepath.Dir(tool))
			}
		}
	}
	if root != "" {
		s.Dirs = append(s.Dirs, filepath.Join(root, "src"))
	}
	if s.Mod = os.Getenv("GOMODCACHE"); s.Mod == "" {
		path := filepath.SplitList(os.Getenv("GOPATH"))
		if len(path) == 0 {
			if home, err := os.UserHomeDir(); err == nil {
				path = []string{filepath.Join(home, "go")}
			}
		}
		if len(path) > 0 {
			s.Mod = filepath.Join(path[0], "pkg", "mod")
		}
	}
	return s
}

var (
	errNotSource = errors.New("that is no name of a source file")
	errNotHere   = errors.New("it is not on this machine where it was compiled; try again in the directory of its module")
)

// Read returns the lines of a file, and where it was found.
func (s Sources) Read(name string) (lines []string, where string, err error) {
	switch filepath.Ext(name) {
	case ".go", ".s", ".c", ".cc", ".cpp", ".cxx", ".h":
	default:
		return nil, "", errNotSource
	}
	for _, where := range s.candidates(name) {
		text, err := read(where)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrInvalid) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), where, nil
	}
	return nil, "", errNotHere
}

// candidates returns where a file may be, the best place first.
func (s Sources) candidates(name string) (all []string) {
	if filepath.IsAbs(name) {
		all = append(all, filepath.Clean(name))
	}
	rest := strings.TrimPrefix(filepath.Clean("/"+filepath.ToSlash(name)), "/") // without ..
	if module, file, ok := strings.Cut(rest, "@"); ok && s.Mod != "" {
		all = append(all, filepath.Join(s.Mod, escaped(module)+"@"+escaped(file)))
	}
	for range 32 {
		for _, dir := range s.Dirs {
			all = append(all, filepath.Join(dir, rest))
		}
		_, after, ok := strings.Cut(rest, "/")
		if !ok {
			break
		}
		rest = after
	}
	return all
}

// escaped returns a path as the module cache has it: !b for B.
func escaped(path string) string {
	var b strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// read reads a file that a profile names.
func read(name string) (string, error) {
	f, err := open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", name)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if len(text) > maxSource {
		return "", fmt.Errorf("%s is too large for a source file", name)
	}
	return string(text), err
}
