package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever a body holds, with refs in it no e-mail is left where one may not be, every ref
// in it is found and nothing else is taken for one, and it reads as it was meant.
func TestABodyWithRefsReadsAsItWasMeant(t *testing.T) {
	t.Parallel()
	known := map[identity]Person{}
	of := func(kind, value string) Person {
		id := identity{kind, value}
		if _, ok := known[id]; !ok {
			p := Person{Kind: kind, Value: value, Salt: []byte(strings.Repeat("s", saltSize))}
			sum := sha256.Sum256(append(slices.Clone(p.Salt), value...))
			p.Ref = refPrefix + hex.EncodeToString(sum[:])[:32]
			known[id] = p
		}
		return known[id]
	}
	ref := of(PersonEmail, "ann@example.com").Ref
	texts := []string{
		"", "x", "ann@example.com", "eve+ops@sub.example.org", "grüße@bücher.example", "to ann@example.com", "ann@example.com, eve@example.com",
		"\"" + ref + "\"", ref + "x", "person-", strings.ToUpper(ref), `a\"` + ref + `\"`, "ann+1a2b3c4d+AbC=", ",\"v\":1,\"via\":\"cli\"}", ref, "person-00000000000000000000000000000000",
	}
	rapid.Check(t, func(rt *rapid.T) {
		leaf := rapid.SampledFrom(texts)
		var value func(depth int) *rapid.Generator[any]
		value = func(depth int) *rapid.Generator[any] {
			if depth == 0 {
				return leaf.AsAny()
			}
			return rapid.OneOf(leaf.AsAny(), rapid.SliceOfN(value(depth-1), 0, 3).AsAny(), rapid.MapOfN(rapid.SampledFrom(append(slices.Clone(texts), "a", "v", "via")), value(depth-1), 0, 3).AsAny())
		}
		details := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "via", "v", ref}), value(2), 0, 4).Draw(rt, "details")
		b := body{
			Version: bodyVersion, Action: "x", Phase: "outcome", Status: "ok", Reason: leaf.Draw(rt, "reason"), Actor: "ann@example.com", Host: "laptop", OSUser: "ann",
			Via: rapid.SampledFrom([]string{"cli", `x,"via":"y`, ""}).Draw(rt, "via"), Details: details, Tenant: leaf.Draw(rt, "tenant"),
		}
		tree := map[string]any{}
		require.NoError(rt, plainOf(b, &tree))
		refs, borne := map[string]bool{}, map[string]bool{}
		personal(tree, func(id identity) string {
			if id.kind == "" && id.value != ref {
				return Named(id.value)
			}
			p := of(PersonEmail, "ann@example.com")
			if id.kind != "" {
				p = of(id.kind, id.value)
			}
			refs[p.Ref] = true
			return p.Ref
		})
		body := string(text(tree))
		require.True(rt, pseudonymous(body))
		eachRef(body, func(r string) { borne[r] = true })
		require.Equal(rt, slices.Sorted(maps.Keys(refs)), slices.Sorted(maps.Keys(borne)), body)
		again := map[string]any{}
		require.NoError(rt, plainOf(json.RawMessage(body), &again))
		require.Equal(rt, body, string(text(again)), "it is canonical")

		persons := NewPersons(slices.Collect(maps.Values(known))...)
		e := EventOf(Sealed{Body: body, Persons: persons})
		require.Equal(rt, "ann@example.com", e.Actor)
		require.Equal(rt, e.Actor, HeadlineOf(Sealed{Body: body, Persons: persons}).Actor)
		shown, err := json.Marshal(e.Details)
		require.NoError(rt, err)
		stored, err := json.Marshal(EventOf(Sealed{Body: body}).Details)
		require.NoError(rt, err)
		for _, who := range []string{`"ann@example.com"`, `"eve+ops@sub.example.org"`, `"grüße@bücher.example"`} {
			require.NotContains(rt, strings.ReplaceAll(string(stored), who+":", ""), who)
		}
		if want, err := json.Marshal(details); err == nil && strings.Contains(string(want), `:"ann@example.com"`) {
			require.Contains(rt, string(shown), `"ann@example.com"`)
		}
		gone := EventOf(Sealed{Body: body, Persons: NewPersons()})
		require.Equal(rt, "erased person "+ref[7:15], gone.Actor)
		require.Equal(rt, ref, gone.ActorRef)
		eachRef(strings.Replace(body, `,"v":2,"via"`, `,"v":1,"via"`, 1), func(r string) { rt.Fatalf("a body of version 1 bears %s", r) })
	})
}
