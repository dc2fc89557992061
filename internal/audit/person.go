package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/credential"
)

// bodyVersion is that of the bodies written here. Version 1 held e-mails, the computer
// and its user in plain words; since 2 the refs of persons stand for them.
const bodyVersion = 2

// A ref is refPrefix and half of a SHA-256 in hexadecimal. The dash makes it one word of
// the mirror's index: nothing that somebody searches for begins with its digits.
const (
	refPrefix = "person-"
	refLength = len(refPrefix) + 32
	// refShown is how many of its digits a person is shown.
	refShown = 8
	saltSize = 32
)

// The kinds of a person's value.
const (
	PersonEmail  = "email"
	PersonHost   = "host"
	PersonOSUser = "os_user"
)

// Person is who a ref of the trail is, for as long as nobody has erased it.
type Person struct {
	Ref   string
	Kind  string
	Value string
	Salt  []byte
}

// Fits reports whether the value is the one that the ref was made of.
func (p Person) Fits() bool {
	sum := sha256.Sum256(append(slices.Clone(p.Salt), p.Value...))
	return p.Ref == refPrefix+hex.EncodeToString(sum[:])[:refLength-len(refPrefix)]
}

// IsRef reports whether a text is a ref and nothing besides.
func IsRef(text string) bool {
	if len(text) != refLength || !strings.HasPrefix(text, refPrefix) {
		return false
	}
	for _, c := range []byte(text[len(refPrefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Named is a text as it is shown where no persons are at hand: a ref stands there only
// in place of somebody who was erased.
func Named(text string) string { return (&Persons{}).Name(text) }

// erasedPrefix begins what is shown in place of a value that was erased.
const erasedPrefix = "erased person "

// Persons are those of one trail, or those that a file names.
type Persons struct {
	refs map[string]Person
	// gone are the refs that a file calls erased; nil where no file is read.
	gone map[string]bool
}

// NewPersons returns a list of persons.
func NewPersons(list ...Person) *Persons {
	p := &Persons{refs: make(map[string]Person, len(list))}
	for _, one := range list {
		p.refs[one.Ref] = one
	}
	return p
}

// Of returns the person of a ref; false where the value is not there.
func (p *Persons) Of(ref string) (Person, bool) {
	one, ok := p.refs[ref]
	return one, ok
}

// All returns every person, ordered by ref.
func (p *Persons) All() []Person {
	return slices.SortedFunc(maps.Values(p.refs), func(a, b Person) int { return strings.Compare(a.Ref, b.Ref) })
}

// emails are those who have one.
func (p *Persons) emails() []Person {
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(p.All(), func(one Person) bool { return one.Kind != PersonEmail })
}

// Name returns what is shown for a text of an event: of a ref its value, or that the
// person was erased. Nil persons know nothing and leave it.
func (p *Persons) Name(text string) string {
	if p == nil || !IsRef(text) {
		return text
	}
	if one, ok := p.refs[text]; ok {
		return one.Value
	}
	return erasedPrefix + text[len(refPrefix):len(refPrefix)+refShown]
}

// names puts what is shown into what an event holds.
func (p *Persons) names(v any) any {
	switch v := v.(type) {
	case string:
		return p.Name(v)
	case []any:
		for i := range v {
			v[i] = p.names(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = p.names(v[k])
		}
	}
	return v
}

// Who is whom an actor that was asked for may be in an event: these texts, in small
// letters, and any ref that begins with the other, where that is not empty.
func (p *Persons) Who(actor string) (texts []string, begins string) {
	actor = strings.ToLower(strings.TrimSpace(actor))
	texts = []string{actor}
	if digits, ok := strings.CutPrefix(actor, erasedPrefix); ok && digits != "" {
		return texts, refPrefix + digits
	}
	for _, one := range p.emails() {
		switch {
		case one.Value == actor:
			texts = append(texts, one.Ref)
		case one.Ref == actor:
			texts = append(texts, one.Value) // in older events
		}
	}
	return texts, ""
}

// Refs returns the refs of those whose value is as the function says; it is given in
// small letters.
func (p *Persons) Refs(is func(value string) bool) []string {
	var out []string
	if p == nil {
		return out
	}
	for _, one := range p.All() {
		if is(strings.ToLower(one.Value)) {
			out = append(out, one.Ref)
		}
	}
	return out
}

// pseudonymous reports whether refs stand in a body for what is personal: they do since
// version 2. Version and via are the last keys of canonical JSON.
func pseudonymous(text string) bool {
	via := strings.LastIndex(text, `,"via":"`)
	return via >= 0 && strings.HasSuffix(text[:via], `,"v":2`)
}

// eachRef hands on every ref that stands as a value in a body.
func eachRef(text string, do func(ref string)) {
	at := strings.Index(text, refPrefix)
	if at < 0 || !pseudonymous(text) {
		return
	}
	for from := 0; at >= 0; at = strings.Index(text[from:], refPrefix) {
		at += from
		end := at + refLength
		from = at + len(refPrefix)
		// What was escaped ends otherwise, and a key ends with a colon.
		if at > 0 && text[at-1] == '"' && end+1 < len(text) && text[end] == '"' && text[end+1] != ':' && IsRef(text[at:end]) {
			do(text[at:end])
			from = end
		}
	}
}

// email matches a text that is an e-mail and nothing besides.
var email = regexp.MustCompile(`^[^\s@"<>(),:;\\\[\]]{1,64}@[\pL\pN](?:[\pL\pN.-]{0,251}[\pL\pN])?$`)

// identity is a value that a ref is to stand for.
type identity struct{ kind, value string }

// personal replaces what is personal in the tree of a body with what the function
// returns for it: actor, computer and its user, and every text beneath before, after and
// details that is an e-mail. It asks, as of no kind, for every other text that is a ref.
func personal(tree map[string]any, as func(identity) string) {
	own := map[string]string{"actor": PersonEmail, "host": PersonHost, "os_user": PersonOSUser}
	for _, k := range slices.Sorted(maps.Keys(tree)) {
		text, is := tree[k].(string)
		switch kind := own[k]; {
		case is && kind != "" && text != "":
			tree[k] = as(identity{kind, plainly(kind, text)})
		case k == "before" || k == "after" || k == "details":
			tree[k] = persons(tree[k], true, as)
		case kind == "":
			tree[k] = persons(tree[k], false, as)
		}
	}
}

// plainly is a value as it is kept: an e-mail is one person's however it is written.
func plainly(kind, text string) string {
	text = credential.Scrub(text)
	if kind == PersonEmail {
		text = strings.ToLower(text)
	}
	return text
}

func persons(v any, emails bool, as func(identity) string) any {
	switch v := v.(type) {
	case string:
		switch {
		case IsRef(v):
			return as(identity{"", v})
		case !emails || !strings.Contains(v, "@"):
		case email.MatchString(plainly(PersonEmail, v)):
			return as(identity{PersonEmail, plainly(PersonEmail, v)})
		}
	case []any:
		for i := range v {
			v[i] = persons(v[i], emails, as)
		}
	case map[string]any:
		for k, one := range v {
			if text, ok := one.(string); ok && text != "" && secretKey.MatchString(k) {
				continue // it is not stored at all
			}
			v[k] = persons(one, emails, as)
		}
	}
	return v
}

// pseudonyms puts the refs into the tree of a body, and makes the persons that are not
// there inside the caller's transaction. A ref that somebody wrote and that the trail
// does not have, or no longer, is no person's: it is put down as what it would read as.
func (t *Trail) pseudonyms(ctx context.Context, tx pgx.Tx, tree map[string]any) error {
	refs := map[identity]string{}
	personal(tree, func(id identity) string {
		refs[id] = Named(id.value)
		return id.value
	})
	var kinds, values, given []string
	var salts [][]byte
	for id := range refs {
		if id.kind == "" {
			given = append(given, id.value)
			continue
		}
		salt := make([]byte, saltSize)
		_, _ = rand.Read(salt) // it ends the program where there are no random numbers
		kinds, values, salts = append(kinds, id.kind), append(values, id.value), append(salts, salt)
	}
	rows, err := tx.Query(ctx, t.sql(`SELECT of_kind, of_value, is_ref FROM {{schema}}.audit_persons($1::text[], $2::text[], $3::bytea[])`), kinds, values, salts)
	if err != nil {
		return err
	}
	var id identity
	var ref string
	if _, err := pgx.ForEachRow(rows, []any{&id.kind, &id.value, &ref}, func() error { refs[id] = ref; return nil }); err != nil {
		return err
	}
	if len(given) > 0 {
		rows, err := tx.Query(ctx, t.sql(`SELECT ref FROM {{schema}}.audit_person WHERE ref = ANY ($1)`), given)
		if err != nil {
			return err
		}
		if _, err := pgx.ForEachRow(rows, []any{&ref}, func() error { refs[identity{"", ref}] = ref; return nil }); err != nil {
			return err
		}
	}
	for id, ref := range refs {
		if id.kind != "" && !IsRef(ref) {
			return fmt.Errorf("the audit trail has no ref for a person of the kind %s", id.kind)
		}
	}
	personal(tree, func(id identity) string { return refs[id] })
	return nil
}

// Persons returns everybody whose value the trail has on this snapshot; nil in a schema
// that was not upgraded yet.
func (r *Reader) Persons(ctx context.Context) (*Persons, error) {
	if r.persons != nil {
		return r.persons, nil
	}
	if !r.trail.hasPersons.Load() {
		var there bool
		if err := r.tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, pgx.Identifier{r.trail.schema, "audit_person"}.Sanitize()).Scan(&there); err != nil || !there {
			return nil, r.trail.fault(err)
		}
		r.trail.hasPersons.Store(true)
	}
	rows, err := r.tx.Query(ctx, r.trail.sql(`SELECT ref, kind, value, salt FROM {{schema}}.audit_person`))
	if err != nil {
		return nil, r.trail.fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Person])
	if err != nil {
		return nil, r.trail.fault(err)
	}
	r.persons = NewPersons(list...)
	return r.persons, nil
}

// CheckPersons compares what the walked events bear with the persons that are there. A
// value has to fit its ref; one that is not there has to have been erased by an event.
// Where not every later event is here, that event may be among them; a file says of each
// ref that it was erased.
func (w *Walk) CheckPersons(p *Persons, toEnd bool) {
	for _, one := range p.All() {
		if one.Fits() {
			continue
		}
		w.Found(Finding{Seq: w.refs[one.Ref], Kind: "person_changed", Message: "the value or the salt of " + one.Ref + " is not the one that its ref was made of: it was changed"})
	}
	later := 0
	for _, ref := range slices.SortedFunc(maps.Keys(w.refs), func(a, b string) int { return int(w.refs[a] - w.refs[b]) }) {
		if _, there := p.refs[ref]; there || w.erased[ref] {
			continue
		}
		if !toEnd && (p.gone == nil || p.gone[ref]) {
			later++
			continue
		}
		w.Found(Finding{Seq: w.refs[ref], Kind: "person_missing", Message: fmt.Sprintf("event %d names %s, whose value is not there, and no event has erased it: it was removed by hand", w.refs[ref], ref)})
	}
	if later > 0 {
		w.unproven(fmt.Sprintf("of %d persons whose value is not there the event that erased them is not here either", later))
	}
}
