package mirror

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"unicode"
)

// A word finds what begins with it, and the index of words answers that by laying
// the rows of every word that begins so into one list before it gives the newest:
// a tenth of a second where there are a million. The list of one whole word it
// reads from the newest on and leaves when there is enough. So few words that begin
// with what was typed are asked for one by one, and many, or one that is often, are not
// asked for at all: the newest rows are read and looked at, because what so many words
// begin with is in many rows. Where that does not hold, the index makes its list after
// all; of 100,000 rows it takes ten milliseconds.
const (
	fewWords = 16
	enough   = 100  // rows of one word among mostRead make it one that is often
	mostRead = 1000 // rows that are looked at before the index is asked
)

// ask is one way to search: what the index of words is asked for, all rows where it is
// empty, and the beginnings of words that its rows are looked through for.
type ask struct {
	index  string
	beside []string
}

// index is what the index of words is asked for where nothing is looked through beside it.
func (w wanted) index() string {
	return strings.Join(slices.Concat(quoted(w.whole, ""), w.groups, quoted(w.words, "*")), " AND ")
}

// asks lists the ways to search for words, the fastest first; each but the last may
// find too few of the rows that it reads.
func (m *Mirror) asks(ctx context.Context, want wanted) ([]ask, error) {
	few := append(quoted(want.whole, ""), want.groups...)
	last := ask{index: want.index()}
	if last.index == "" {
		return []ask{last}, nil
	}
	var end int64
	if err := m.db.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM mirror_event`).Scan(&end); err != nil {
		return nil, localFault(err)
	}
	var many, often []string
	for _, w := range want.words {
		switch {
		case !strings.ContainsFunc(w, indexed):
			continue
		case !plain(w):
			few = append(few, quoted([]string{w}, "*")...)
			continue
		}
		w = strings.ToLower(w)
		all, more, err := m.wordsFrom(ctx, w, end-mostRead)
		switch {
		case err != nil:
			return nil, localFault(err)
		case more && len(all) > fewWords:
			many = append(many, w)
		case more:
			often = append(often, w)
		case len(all) == 0:
			return []ask{last}, nil // nothing is found, and the index knows at once
		default:
			few = append(few, `("`+strings.Join(all, `" OR "`)+`")`)
		}
	}
	out := []ask{{strings.Join(few, " AND "), append(slices.Clone(many), often...)}}
	if len(many) > 0 && len(often) > 0 {
		few = append(few, quoted(many, "*")...)
		out = append(out, ask{strings.Join(few, " AND "), often})
	}
	if len(many)+len(often) > 0 {
		out = append(out, last)
	}
	return out, nil
}

//go:embed words.sql
var wordsSQL string

// wordsFrom lists the words of the index that begin with w; often where there are too
// many to ask for each, or where one of them alone is in many of the rows after one.
func (m *Mirror) wordsFrom(ctx context.Context, w string, after int64) (out []string, often bool, err error) {
	rows, err := m.db.QueryContext(ctx, wordsSQL, w, fewWords+1, enough, after)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var word string
		if err := rows.Scan(&word); err != nil {
			return nil, false, err
		}
		if often = strings.HasPrefix(word, w); often {
			out = append(out, word)
		}
	}
	return out, often, rows.Err()
}

// begins reports whether a text holds, for each of the beginnings, a word that begins
// so. What another alphabet's letters are folded to only the index knows: of a text
// that has any nothing is known.
func begins(text string, beginnings []string) (holds, known bool) {
	if len(beginnings) == 0 {
		return true, true
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
		return false, false
	}
	text = strings.ToLower(text)
	return !slices.ContainsFunc(beginnings, func(w string) bool { return !beginsWord(text, w) }), true
}

// beginsWord reports whether a word of the text begins with w, which is plain. A
// thousand texts are looked at in one search, so they are not taken apart into words.
func beginsWord(text, w string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:], w)
		if at < 0 {
			return false
		}
		if at += from; at == 0 || !indexed(rune(text[at-1])) {
			return true
		}
		from = at + 1
	}
}

// plain reports whether the index takes a text for one word and folds only its
// letters' case.
func plain(w string) bool {
	return !strings.ContainsFunc(w, func(r rune) bool { return r > unicode.MaxASCII || !indexed(r) })
}

// quoted quotes each word, so that nothing a person types is taken as an operator of
// the search; with the mark * it finds what begins with it. What the index takes for
// no word finds nothing and is left to the conditions.
func quoted(words []string, mark string) []string {
	out := []string{}
	for _, w := range words {
		if strings.ContainsFunc(w, indexed) {
			out = append(out, `"`+strings.ReplaceAll(w, `"`, `""`)+`"`+mark)
		}
	}
	return out
}

// indexed reports whether a character is part of a word: unicode61's letters and
// numbers, and the ones that the index was made to keep.
func indexed(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune("@._-", r)
}
