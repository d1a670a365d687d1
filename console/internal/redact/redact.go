// Package redact hides what looks like a secret in environment variables.
package redact

import (
	"regexp"
)

// Mask takes the place of what is hidden.
const Mask = "****"

var (
	secretName = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|cred|auth|private|salt|signature|cookie|session|dsn|webhook|cert|bearer|jwt|pat$`)
	notSecret  = regexp.MustCompile(`(?i)^(old)?pwd$|^(pass)?path$|^xdg_|^ssh_auth_sock$|^dbus_session_bus_address$|_file$|_path$|_dir$`)
	// Within a value: an address with a password, scheme://user:password@host; a
	// list of settings; a header.
	inside = regexp.MustCompile(`(?i)(://[^/?#\s:@]*:)[^/?#\s]*(@)|((?:pass\w*|pwd|secret|token|signature|\w*key)\s*=\s*)[^\s&;,]+|(\b(?:bearer|basic)\s+)\S+`)
)

// Value returns the value of a variable without what looks like a secret: all of
// it if the name suggests one, otherwise the parts of it that look like one. It
// is a guess.
func Value(name, value string) string {
	if value != "" && secretName.MatchString(name) && !notSecret.MatchString(name) {
		return Mask
	}
	return inside.ReplaceAllString(value, "$1$3$4"+Mask+"$2")
}
