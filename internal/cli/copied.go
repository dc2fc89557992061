package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// programName begins a command in a text.
	programName = "shard-admin"
	// partEnds are the marks with which a part of a sentence ends.
	partEnds = ",;:."
)

// endsPart reports whether a word ends a part of a sentence. A full stop may belong to
// a name of a file.
func endsPart(word string) bool { return strings.HasSuffix(word, ",") || strings.HasSuffix(word, ";") }

// commandLength says how many of the words of a sentence, the first being the
// program's name, are the command that it begins with: its names, the arguments that it
// must have, and flags with their values. Help knows each of them, and prose none.
func commandLength(words []string) int {
	c, args, given := (&program{}).root(), 0, 0
	for i := 1; i < len(words); {
		word := strings.TrimRight(words[i], partEnds)
		switch sub := subcommand(c, word); {
		case strings.HasPrefix(word, "-"):
			name, _, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
			i += quoted(words[i:])
			if f := flagOf(c, name); f != nil && f.NoOptDefVal == "" && !valued && i < len(words) && word == words[i-1] {
				i += quoted(words[i:])
			}
		case sub != nil && given == 0:
			c, args = sub, arguments(sub)
			i++
		case given < args:
			given++
			i += quoted(words[i:])
		default:
			return i
		}
		if endsPart(words[i-1]) {
			return i
		}
	}
	return len(words)
}

// quoted is over how many words a quotation runs that the first one opens, and 1 where
// it opens none.
func quoted(words []string) int {
	for i, open := 0, 0; i < len(words); i++ {
		if open += strings.Count(words[i], `"`); open%2 == 0 {
			return i + 1
		}
	}
	return 1
}

func subcommand(c *cobra.Command, name string) *cobra.Command {
	for _, s := range c.Commands() {
		if s.Name() == name {
			return s
		}
	}
	return nil
}

func flagOf(c *cobra.Command, name string) *pflag.Flag {
	for ; c != nil; c = c.Parent() {
		for _, set := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
			if f := set.Lookup(name); f != nil {
				return f
			}
			if len(name) == 1 {
				if f := set.ShorthandLookup(name); f != nil {
					return f
				}
			}
		}
	}
	return nil
}

// arguments is how many a command must have, by what its help says.
func arguments(c *cobra.Command) int {
	n := 0
	for _, word := range strings.Fields(c.Use)[1:] {
		if strings.ContainsAny(word[:1], "-[") {
			break
		}
		n++
	}
	return n
}
