package console

import (
	"strconv"
	"strings"
)

// Not encoding/json, whose decoder would add 60 kB to the program.

// elementOf returns an element of a JSON object, or of an object in it. Keys may have
// dots.
func elementOf(object, key string) (element string, ok bool) {
	inner := "" // of which a part of key may be the name
	rest := ""
	found := members(object, func(name, value string) bool {
		if name == key {
			element, ok = value, true
			return false
		}
		if after, is := strings.CutPrefix(key, name+"."); is && inner == "" {
			inner, rest = value, after
		}
		return true
	})
	if !found || ok || inner == "" {
		return element, ok
	}
	return elementOf(inner, rest)
}

// members calls yield for each member of a JSON object. It returns false if it is
// none.
func members(object string, yield func(name, value string) bool) bool {
	s, ok := strings.CutPrefix(trimSpace(object), "{")
	for ok {
		var name, value string
		if name, s, ok = token(s); !ok {
			break
		}
		if s, ok = strings.CutPrefix(trimSpace(s), ":"); !ok {
			break
		}
		if value, s, ok = token(s); !ok {
			break
		}
		if unquoted, err := strconv.Unquote(name); err == nil {
			name = unquoted
		}
		if !yield(name, value) {
			return true
		}
		s = trimSpace(s)
		if strings.HasPrefix(s, "}") {
			return true
		}
		s, ok = strings.CutPrefix(s, ",")
	}
	return false
}

// token takes one JSON value off s, with all that is in it.
func token(s string) (value, rest string, ok bool) {
	s = trimSpace(s)
	depth, inString := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']' || c == ',' || c == ':') && depth == 0:
			return trimSpace(s[:i]), s[i:], i > 0
		case c == '}' || c == ']':
			depth--
		}
	}
	return "", "", false
}

func trimSpace(s string) string { return strings.Trim(s, " \t\r\n") }
