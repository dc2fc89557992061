package tenancy

import (
	"slices"
	"strings"
	"unicode"
)

// snake writes a name of any habit as words with _ between: accountId and
// AccountID become account_id.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) {
			after := i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]))
			last := i > 0 && unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if after || last {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		if unicode.IsSpace(r) || r == '-' || r == '.' {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// irregular plurals that databases use.
func irregular(noun string) (string, bool) {
	switch noun {
	case "person":
		return "people", true
	case "child":
		return "children", true
	case "medium":
		return "media", true
	case "datum":
		return "data", true
	case "man":
		return "men", true
	case "woman":
		return "women", true
	case "criterion":
		return "criteria", true
	case "index":
		return "indices", true
	}
	return "", false
}

// plurals are the names that a table of such things may have; the thing's own
// name is one of them.
func plurals(noun string) []string {
	head, last := "", noun
	if i := strings.LastIndex(noun, "_"); i >= 0 {
		head, last = noun[:i+1], noun[i+1:]
	}
	out := []string{noun + "s"}
	if p, ok := irregular(last); ok {
		out = append(out, head+p)
	}
	if strings.HasSuffix(noun, "y") {
		out = append(out, strings.TrimSuffix(noun, "y")+"ies")
	}
	if strings.HasSuffix(noun, "is") {
		out = append(out, strings.TrimSuffix(noun, "is")+"es")
	}
	return append(out, noun+"es", noun)
}

// singular is the one thing of a table's name, as far as a rule can tell.
func singular(plural string) string {
	head, last := "", plural
	if i := strings.LastIndex(plural, "_"); i >= 0 {
		head, last = plural[:i+1], plural[i+1:]
	}
	for _, noun := range []string{"person", "child", "medium", "datum", "man", "woman", "criterion", "index"} {
		if p, _ := irregular(noun); p == last {
			return head + noun
		}
	}
	switch {
	case strings.HasSuffix(last, "ies") && len(last) > 4:
		return head + strings.TrimSuffix(last, "ies") + "y"
	case hasAnySuffix(last, "sses", "xes", "ches", "shes", "uses"):
		return head + strings.TrimSuffix(last, "es")
	case strings.HasSuffix(last, "s") && !hasAnySuffix(last, "ss", "us", "is"):
		return head + strings.TrimSuffix(last, "s")
	}
	return plural
}

func hasAnySuffix(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(x string) bool { return strings.HasSuffix(s, x) })
}

// camel is the class that Rails names after a table.
func camel(noun string) string {
	var b strings.Builder
	for _, w := range strings.Split(noun, "_") {
		if w != "" {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return b.String()
}
