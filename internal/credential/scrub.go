package credential

import (
	"regexp"
	"strings"
)

// Scrub replaces what looks like a secret inside text: the password of a URL,
// and password=… as in a connection string. NUL, which PostgreSQL's text does
// not hold, becomes U+FFFD.
func Scrub(s string) string {
	for _, p := range secretText {
		s = p.re.ReplaceAllString(s, p.with)
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

type replacement struct {
	re   *regexp.Regexp
	with string
}

// secretText matches secrets inside text.
var secretText = []replacement{
	{regexp.MustCompile(`(://[^\s/:@"']*:)[^\s/@"']+@`), "${1}" + redacted + "@"},
	{regexp.MustCompile(`(?i)\b(password|passwd|pwd|secret|token)(\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s,;&"']+)`), "${1}${2}" + redacted},
}
