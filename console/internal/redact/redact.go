// Package redact hides what looks like a secret in environment variables.
package redact

import (
	"strings"

	"github.com/go-manhole/lazy/internal/pattern"
)

// Mask takes the place of what is hidden.
const Mask = "****"

var (
	secretName = pattern.MustCompile(`(?i)pass|pwd|secret|token|key|cred|auth|private|salt|signature|cookie|session|dsn|webhook|cert|bearer|jwt|pat$`)
	notSecret  = pattern.MustCompile(`(?i)^(old)?pwd$|^(pass)?path$|^xdg_|^ssh_auth_sock$|^dbus_session_bus_address$|_file$|_path$|_dir$`)
)

// Value returns the value of a variable without what looks like a secret: all of
// it if the name suggests one, otherwise the parts of it that look like one. It
// is a guess.
func Value(name, value string) string {
	if value != "" && secretName.MatchString(name) && !notSecret.MatchString(name) {
		return Mask
	}
	s := scanner{text: value}
	var b strings.Builder
	done := 0
	for i := 0; i < len(value); {
		from, to := s.secret(i)
		if from < 0 {
			i++
			continue
		}
		b.WriteString(value[done:from])
		b.WriteString(Mask)
		done, i = to, to
	}
	b.WriteString(value[done:])
	return b.String()
}

// A scanner finds secrets in a value, in time in proportion to its length.
type scanner struct {
	text     string
	wordEnd  int // of the word last looked at
	from, to int // what follows that word and a =, if from >= 0
}

// secret returns where the secret is that the text at i announces, or -1: that
// of an address, scheme://user:password@host; of a list of settings; of a header.
func (s *scanner) secret(i int) (from, to int) {
	t := s.text
	if strings.HasPrefix(t[i:], "://") {
		colon := s.run(i+3, " \t\n\f\r/?#:@")
		if colon < len(t) && t[colon] == ':' {
			host := s.run(colon+1, " \t\n\f\r/?#")
			if at := strings.LastIndexByte(t[colon+1:host], '@'); at >= 0 {
				return colon + 1, colon + 1 + at
			}
		}
	}
	if !word(t[i]) {
		return -1, -1
	}
	if i >= s.wordEnd {
		s.setting(i)
	}
	if s.from >= 0 && setsSecret(t[i:s.wordEnd]) {
		return s.from, s.to
	}
	if i > 0 && word(t[i-1]) {
		return -1, -1
	}
	for _, scheme := range []string{"bearer", "basic"} {
		if after := i + len(scheme); after <= len(t) && strings.EqualFold(t[i:after], scheme) {
			from := after
			for from < len(t) && space(t[from]) {
				from++
			}
			if to := s.run(from, " \t\n\f\r"); from > after && to > from {
				return from, to
			}
		}
	}
	return -1, -1
}

// setting looks at the word at i and at what it is set to.
func (s *scanner) setting(i int) {
	t := s.text
	for s.wordEnd = i; s.wordEnd < len(t) && word(t[s.wordEnd]); {
		s.wordEnd++
	}
	s.from = -1
	equal := s.wordEnd
	for equal < len(t) && space(t[equal]) {
		equal++
	}
	if equal == len(t) || t[equal] != '=' {
		return
	}
	from := equal + 1
	for from < len(t) && space(t[from]) {
		from++
	}
	if to := s.run(from, " \t\n\f\r&;,"); to > from {
		s.from, s.to = from, to
	}
}

// setsSecret reports whether a setting with this name, which is the end of a
// word, is a secret.
func setsSecret(name string) bool {
	for _, all := range []string{"pwd", "secret", "token", "signature"} {
		if strings.EqualFold(name, all) {
			return true
		}
	}
	return len(name) >= 4 && strings.EqualFold(name[:4], "pass") ||
		len(name) >= 3 && strings.EqualFold(name[len(name)-3:], "key")
}

// run returns where the first of these bytes is from i on.
func (s *scanner) run(i int, end string) int {
	for i < len(s.text) && strings.IndexByte(end, s.text[i]) < 0 {
		i++
	}
	return i
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' }

func word(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
