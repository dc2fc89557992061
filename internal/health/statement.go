package health

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// longest is how much of a statement is shown, in bytes.
const longest = 300

// Masked is a statement on one line without the texts in it: what stands in
// quotes may be anybody's data or a password. It is cut where it is long, and
// where a quote is not closed, which a server's own cut leaves behind.
func Masked(sql string) string {
	s := masked(sql, longest)
	if len(s) >= longest {
		return strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strings.ToValidUTF8(s, "")
}

// masked is Masked that ends with the token that reaches so many bytes.
func masked(sql string, most int) string {
	var b strings.Builder
	space := false
	for i := 0; i < len(sql) && b.Len() < most; {
		switch c := sql[i]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			space = b.Len() > 0
			i++
			continue
		case strings.HasPrefix(sql[i:], "--"), strings.HasPrefix(sql[i:], "/*"):
			i = comment(sql, i)
			space = b.Len() > 0
			continue
		case c == '"':
			end := identifier(sql, i)
			put(&b, &space, sql[i:end])
			i = end
			continue
		case c == '\'':
			escapes := i > 0 && (sql[i-1] == 'E' || sql[i-1] == 'e')
			i = quote(sql, i, escapes)
			put(&b, &space, "'…'")
			continue
		case c == '$':
			if end, ok := dollar(sql, i); ok {
				i = end
				put(&b, &space, "'…'")
				continue
			}
		}
		put(&b, &space, sql[i:i+1])
		i++
	}
	return b.String()
}

// parameter is $1; valueList is a list of them, of which another call of the same
// statement has more or fewer.
var (
	parameter = regexp.MustCompile(`\$[0-9]+`)
	valueList = regexp.MustCompile(`(?i)\bin \(\$(?: ?, ?\$)* ?\)`)
)

// StatementKey tells by its text whether two servers count the same statement:
// ids of statements hold numbers of tables, which differ between databases, and
// change with the version. Comments, space, the numbers of parameters and how
// many values an IN holds do not count.
func StatementKey(sql string) string {
	s := parameter.ReplaceAllString(masked(sql, len(sql)+1), "$$")
	s = valueList.ReplaceAllString(s, "in ($$)")
	sum := sha256.Sum256([]byte(strings.TrimRight(s, "; ")))
	return hex.EncodeToString(sum[:6])
}

func put(b *strings.Builder, space *bool, s string) {
	if *space {
		b.WriteByte(' ')
		*space = false
	}
	b.WriteString(s)
}

// quote returns where a text that begins at i ends. A backslash hides the
// quote behind it where the text allows that.
func quote(sql string, i int, escapes bool) int {
	for i++; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && escapes:
			i++
		case sql[i] == '\'' && i+1 < len(sql) && sql[i+1] == '\'':
			i++
		case sql[i] == '\'':
			return i + 1
		}
	}
	return len(sql)
}

// comment returns where a comment ends; those in stars may hold others.
func comment(sql string, i int) int {
	if sql[i] == '-' {
		if n := strings.IndexAny(sql[i:], "\r\n"); n >= 0 {
			return i + n
		}
		return len(sql)
	}
	depth := 0
	for i < len(sql) {
		switch {
		case strings.HasPrefix(sql[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(sql[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(sql)
}

// identifier returns where a quoted name ends.
func identifier(sql string, i int) int {
	for i++; i < len(sql); i++ {
		if sql[i] == '"' {
			return i + 1
		}
	}
	return len(sql)
}

// dollar returns where a text between two $tag$ ends; false where i begins
// none, as in $1.
func dollar(sql string, i int) (int, bool) {
	end := i + 1
	for end < len(sql) && (sql[end] == '_' || sql[end] >= 'a' && sql[end] <= 'z' || sql[end] >= 'A' && sql[end] <= 'Z' || sql[end] >= 0x80 ||
		end > i+1 && sql[end] >= '0' && sql[end] <= '9') {
		end++
	}
	if end >= len(sql) || sql[end] != '$' {
		return 0, false
	}
	tag := sql[i : end+1]
	if n := strings.Index(sql[end+1:], tag); n >= 0 {
		return end + 1 + n + len(tag), true
	}
	return len(sql), true
}
