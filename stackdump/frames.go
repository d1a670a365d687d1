package stackdump

import (
	"bufio"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxColumn is the widest that the column of functions becomes. The place of a
// call whose function is longer is below it, in the same column as the others.
const maxColumn = 50

// maxCreator is how long a line that names a creator becomes before its place.
const maxCreator = 80

// renderFrames writes the calls, a recursion as one.
func renderFrames(b *bufio.Writer, indent string, frames []Frame) {
	width, long, others := 0, 0, 0
	for i := range frames {
		n := utf8.RuneCountInString(frames[i].Func)
		switch {
		case frames[i].File == "":
		case n > maxColumn:
			long++
		default:
			others++
			width = max(width, n)
		}
	}
	if long > others { // below all of them, rather than far from most
		width = 2
	}
	for i := 0; i < len(frames); {
		f, n := frames[i], 1
		for i+n < len(frames) && frames[i+n] == f {
			n++
		}
		frameLine(b, indent, f.Func, f, width)
		if n > 1 {
			fmt.Fprintf(b, "%s(%d times)\n", indent, n)
		}
		i += n
	}
}

// frameLine writes a call. Its place follows in the same line if width is 0 or
// enough for the function.
func frameLine(b *bufio.Writer, indent, text string, f Frame, width int) {
	if f.File == "" {
		fmt.Fprintf(b, "%s%s\n", indent, text)
		return
	}
	if n := utf8.RuneCountInString(text); width > 0 && n > width || n > maxCreator {
		fmt.Fprintf(b, "%s%s\n", indent, text)
		text = ""
		width = max(width, 2)
	}
	fmt.Fprintf(b, "%s%-*s  %s:%d\n", indent, width, text, shortPath(f), f.Line)
}

// minShortened is how much has to be saved.
const minShortened = 24

// shortPath returns the path of the file without what the name of the function
// says already, if that is much: of github.com/acme/shop/internal/queue.Take in
// /root/go/pkg/mod/github.com/acme/shop@v1.2.3/internal/queue/take.go it is
// /root/go/pkg/mod/...@v1.2.3/.../take.go.
func shortPath(f Frame) string {
	slash := strings.LastIndexByte(f.File, '/')
	dir, name := f.File[:max(slash, 0)], f.File[slash+1:]
	pkg := packageOf(f.Func)
	version := ""
	for pkg != "" && dir != "" {
		p, d := pkg[strings.LastIndexByte(pkg, '/')+1:], dir[strings.LastIndexByte(dir, '/')+1:]
		if rest, ok := strings.CutPrefix(d, p+"@"); ok && version == "" {
			version = "@" + rest
			if dir+"/"+name != f.File {
				version += "/..." // for directories below that of the module
			}
		} else if d != p {
			break
		}
		pkg, dir = strings.TrimSuffix(pkg[:len(pkg)-len(p)], "/"), strings.TrimSuffix(dir[:len(dir)-len(d)], "/")
	}
	short := "..." + version + "/" + name
	if dir != "" || strings.HasPrefix(f.File, "/") {
		short = dir + "/" + short
	}
	if len(f.File)-len(short) < minShortened {
		return f.File
	}
	return short
}

// packageOf returns the import path of the package that a function is in, as its
// directory is spelled.
func packageOf(function string) string {
	start := strings.LastIndexByte(function, '/') + 1
	if i := strings.IndexAny(function, "[("); i >= 0 && i < start {
		start = strings.LastIndexByte(function[:i], '/') + 1 // of a type argument
	}
	dot := strings.IndexByte(function[start:], '.')
	if dot < 0 {
		return ""
	}
	// The runtime escapes a dot in the last element.
	return strings.ReplaceAll(function[:start+dot], "%2e", ".")
}
