package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"codeberg.org/go-pdf/fpdf"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
)

var update = flag.Bool("update", false, "write the golden files anew")

// kept is a trail that stands still: what a snapshot is, without a database.
type kept struct {
	all    []audit.Sealed
	broken bool
}

func (k kept) selects(f audit.Filter, e audit.Event) bool {
	in := func(list []string, v string, prefix bool) bool {
		for _, x := range list {
			if x == v || prefix && strings.HasPrefix(v, x+".") {
				return true
			}
		}
		return len(list) == 0
	}
	return (f.Tenant == "" || f.Tenant == e.Tenant) && (f.Actor == "" || f.Actor == e.Actor) && k.inPeriod(f, e) &&
		in(f.Actions, e.Action, true) && in(f.Statuses, e.Status, false) && (!f.Settled || e.Phase != "intent")
}

func (k kept) inPeriod(f audit.Filter, e audit.Event) bool {
	return (f.Since.IsZero() || !e.At.Before(f.Since)) && (f.Until.IsZero() || e.At.Before(f.Until))
}

func (k kept) Survey(_ context.Context, f audit.Filter, do func(audit.Walked) error) (audit.Verification, error) {
	v := audit.Verification{OK: !k.broken, Events: int64(len(k.all)), Head: int64(len(k.all))}
	if k.broken {
		n := int64(2)
		v.FirstBad = &n
	}
	for _, s := range k.all {
		e := audit.EventOf(s)
		if err := do(audit.Walked{Sealed: s, InPeriod: k.inPeriod(f, e), Selected: k.selects(f, e)}); err != nil {
			return v, err
		}
	}
	return v, nil
}

func (k kept) Each(_ context.Context, f audit.Filter, do func(audit.Sealed) error) error {
	for _, s := range k.all {
		if k.selects(f, audit.EventOf(s)) {
			if err := do(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k kept) Anchor(context.Context) (audit.Anchor, error) {
	return audit.Anchor{Seq: k.all[0].Seq - 1, Hash: k.all[0].PrevHash}, nil
}

func (k kept) Head(context.Context) (audit.Head, error) {
	last := k.all[len(k.all)-1]
	return audit.Head{Seq: last.Seq, Hash: last.Hash}, nil
}

// names are tenants in the scripts that a customer may bring.
func names() []string {
	return []string{
		"Willow Lettings", "Ørsted & Søn", "Żółć Nieruchomości", "Αθήνα Ακίνητα", "Недвижимость Москва", "東京不動産株式会社", "北京房产 中心", "서울 부동산", "מגדלי הים 12",
		"شركة العقارات الحديثة", "املاک تهران (مرکز)", "บ้านกรุงเทพ", "Casa 🏡 Bella",
		"मुंबई आवास निगम", "Nof Yam נוף ים 7",
	}
}

// events makes a chain of n events that looks like a fleet's.
func events(n int) kept {
	at := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	prev := audit.Genesis()
	var k kept
	actions := []string{"move.start", "move.switch", "tenant.assign", "move.finalize", "operator.set", "policy.set", "audit.export", "move.rollback", "queue.pause", "fleet.install", "fleet.stripe", "credential.set", "audit.key.enroll", "session.terminate"}
	for i := range n {
		at = at.Add(time.Duration(37+i%11*13) * time.Minute)
		name := names()[i%len(names())]
		action := actions[i*5%len(actions)]
		body := map[string]any{
			"v": 1, "action": action, "phase": "outcome", "status": "ok", "fleet": "production", "actor": []string{"ann@example.com", "bo.lindqvist@example.com", "ops-night@example.com"}[i%3],
			"actor_role": "operator", "via": "cli", "host": "ops-1", "os_user": "ann", "program": "1.4.0", "reason": fmt.Sprintf("Rebalancing after growth, ticket OPS-%d", 1200+i%40),
		}
		switch {
		case strings.HasPrefix(action, "move"), action == "tenant.assign":
			body["tenant"], body["source"], body["target"] = strconv.Itoa(100+i%len(names())), "default", "shard_"+strconv.Itoa(1+i%4)
			body["details"] = map[string]any{"label": name}
			body["before"], body["after"] = map[string]any{"shard": "default"}, map[string]any{"shard": "shard_" + strconv.Itoa(1+i%4)}
		case action == "operator.set":
			body["after"] = map[string]any{"email": "new@example.com", "role": "viewer", "db_role": "app_viewer"}
		case action == "policy.set":
			body["before"], body["after"] = map[string]any{"SHARD_BULK_OPS_ENABLED": false}, map[string]any{"SHARD_BULK_OPS_ENABLED": true}
		}
		switch action {
		case "fleet.install":
			body["before"], body["after"] = map[string]any{"version": 11}, map[string]any{"version": 12, "admin": "ann@example.com"}
		case "fleet.stripe":
			body["details"] = map[string]any{"stripes": 4, "sequences": 75}
		case "credential.set":
			body["details"] = map[string]any{"credential": "shard_1", "user": "app_ops", "kept_in": "keychain"}
		case "audit.key.enroll":
			body["after"] = map[string]any{"public": "ann@example.com+5a3f9c11+AbCdEf"}
		}
		switch i % 17 {
		case 5:
			body["status"], body["details"] = "failed", map[string]any{"error": "database_gone", "message": "the connection to shard_2 broke while rows were copied", "label": name}
			delete(body, "after")
		case 9:
			body["status"], body["details"] = "refused", map[string]any{"error": "move_blocked", "message": "12 rows of public.orders have no owner", "label": name}
			delete(body, "after")
		case 13:
			body["phase"], body["status"] = "intent", "begun"
		case 15:
			body["reason"] = "=HYPERLINK(\"http://example.com\")\nsecond line, with “quotes” and a_very_long_identifier_that_does_not_break_anywhere_at_all_however_narrow_its_column_may_be"
		}
		text, _ := json.Marshal(body)
		s := audit.Sealed{
			Seq: int64(i + 1), SealedUS: at.UnixMicro() + 900, EventID: fmt.Sprintf("0192f0a0-0000-7000-8000-%012d", i+1), OccurredUS: at.UnixMicro() - 1500, RecordedUS: at.UnixMicro(),
			DBUser: "app_ops", ClientAddr: "10.0.0.7/32", AppName: "shard-admin", Body: string(text), PrevHash: prev,
		}
		s.EventHash = s.WantEventHash()
		s.Hash = s.WantHash()
		prev = s.Hash
		k.all = append(k.all, s)
	}
	return k
}

func moves() []Move {
	var out []Move
	for i := range 24 {
		filed := time.Date(2026, 9, 3+i*2, 9, 30, 0, 0, time.UTC)
		began, switched, ended := filed.Add(20*time.Second), filed.Add(time.Duration(4+i)*time.Minute), filed.Add(time.Duration(70+i)*time.Minute)
		pause := time.Duration(80+i*i*31) * time.Millisecond
		m := Move{
			ID: fmt.Sprintf("%08x-1111-7000-8000-000000000000", 0x1a2b3c4d+i*7919), Tenant: strconv.Itoa(100 + i%len(names())), Label: names()[i%len(names())], Source: "default", Target: "shard_" + strconv.Itoa(1+i%3),
			Mode: []string{"online", "fenced"}[i%2], State: "finalized", By: "ann@example.com", Note: "rebalancing", FiledAt: filed, StartedAt: &began, SwitchedAt: &switched, FinishedAt: &ended,
			Rows: int64(1200 + i*977), Bytes: int64(1<<20 + i*3456789), WritePause: &pause, Verified: true,
		}
		for _, t := range []string{"public.pwb_websites", "public.pwb_contacts", "public.pwb_realty_assets"} {
			sum := sha256.Sum256([]byte(m.ID + t))
			m.Tables = append(m.Tables, MoveTable{t, int64(10 + i*37), hex.EncodeToString(sum[:])})
		}
		switch i {
		case 5:
			m.State, m.SwitchedAt, m.WritePause, m.Verified, m.Tables = "failed", nil, nil, false, nil
			m.FinishedAt = nil
		case 9:
			m.State = "rolled_back"
		case 23:
			m.State, m.StartedAt, m.SwitchedAt, m.FinishedAt, m.WritePause, m.Verified, m.Tables = "planned", nil, nil, nil, nil, false, nil
		}
		out = append(out, m)
	}
	return out
}

func asked(k Kind, f audit.Format) Request {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	r := Request{Kind: k, Format: f, Zone: zone, Fleet: "production", Environment: "production", At: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)}
	r.Filter.Since, r.Filter.Until = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	switch k {
	case Moves:
		r.Moves = moves()
	case Tenant:
		r.Filter.Tenant, r.TenantLabel = "109", "شركة العقارات الحديثة"
		for _, m := range moves() {
			if m.Tenant == "109" {
				r.Moves = append(r.Moves, m)
			}
		}
	case Operator:
		r.Filter.Actor = "ann@example.com"
	}
	return r
}

func made(t testing.TB, src audit.Source, r Request) ([]byte, audit.Manifest) {
	t.Helper()
	d, err := r.draft()
	require.NoError(t, err)
	var b bytes.Buffer
	m, err := d.Make(t.Context(), src, audit.Origin("7/1/shard_admin"), &b)
	require.NoError(t, err)
	sum := sha256.Sum256(b.Bytes())
	require.Equal(t, hex.EncodeToString(sum[:]), m.SHA256)
	require.EqualValues(t, b.Len(), m.Bytes)
	return b.Bytes(), m
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "go test ./internal/report -update writes it anew")
}

// readable turns a file into text that a person can compare.
func readable(t *testing.T, r Request, src audit.Source, b []byte) []byte {
	t.Helper()
	switch r.Format {
	case audit.PDF:
		d, err := drawn(documentOf(t, r, src))
		require.NoError(t, err)
		return pdfText(t, d)
	case audit.XLSX:
		return xlsxText(t, b)
	}
	return regexp.MustCompile(`Shard Admin [\w.-]+`).ReplaceAll(b, []byte("Shard Admin VERSION"))
}

func documentOf(t *testing.T, r Request, src audit.Source) *Document {
	t.Helper()
	var d *Document
	r.Format = audit.HTML
	_, m := made(t, src, r)
	s := newSummary(r.Zone)
	f := narrow(r.Kind, r.Filter)
	require.NoError(t, src.Each(t.Context(), f, func(x audit.Sealed) error { s.tally(x); return nil }))
	m.Program = "VERSION"
	d = r.document(s, m, func(do func(audit.Sealed) error) error { return src.Each(context.Background(), f, do) })
	return d
}

func TestGoldenFiles(t *testing.T) {
	t.Parallel()
	few := events(60)
	for _, k := range []Kind{Events, Changes, Tenant, Operator, Moves, Access, Failed, Schema} {
		for _, f := range audit.Formats() {
			if k == Moves && f == audit.OCSF {
				continue
			}
			t.Run(string(k)+" "+string(f), func(t *testing.T) {
				t.Parallel()
				r := asked(k, f)
				b, _ := made(t, few, r)
				again, _ := made(t, few, r)
				// The parts of a workbook come in any order; its cells are compared below.
				require.True(t, f == audit.XLSX || bytes.Equal(b, again), "the same request gives the same bytes")
				if dir := os.Getenv("REPORT_SAMPLES"); dir != "" {
					require.NoError(t, os.WriteFile(filepath.Join(dir, string(k)+"."+string(f)), b, 0o644))
				}
				name := fmt.Sprintf("%s.%s", k, f)
				if f == audit.PDF || f == audit.XLSX {
					name += ".txt"
				}
				golden(t, name, readable(t, r, few, b))
			})
		}
	}
}

func TestManifestSaysWhatTheFileHolds(t *testing.T) {
	t.Parallel()
	r := asked(Failed, audit.CSV)
	_, m := made(t, events(60), r)
	m.Program, m.SHA256 = "VERSION", "digest"
	text, err := m.Text()
	require.NoError(t, err)
	golden(t, "manifest.json", text)
	broken := events(60)
	broken.broken = true
	_, m = made(t, broken, r)
	require.Contains(t, m.Statement, "chain NOT verified")
	r.Format = audit.HTML
	page, _ := made(t, broken, r)
	require.Contains(t, string(page), "NOT PROVEN: the chain does not verify from event 2 on")
}

// An outcome that was asked for narrows what failed, and one that is no failure is
// refused, not passed over.
func TestAnOutcomeNarrowsWhatFailed(t *testing.T) {
	t.Parallel()
	r := asked(Failed, audit.CSV)
	r.Filter.Statuses = []string{"refused"}
	require.NoError(t, r.check())
	require.Equal(t, []string{"refused"}, narrow(Failed, r.Filter).Statuses)
	require.Equal(t, failedStatuses(), narrow(Failed, audit.Filter{}).Statuses)
	r.Filter.Statuses = []string{"ok"}
	require.Equal(t, fault.Usage, fault.CodeOf(r.check()))
}

// pdfText lists what is written on each page, in the order in which it is drawn.
func pdfText(t *testing.T, d *fpdf.Fpdf) []byte {
	t.Helper()
	d.SetCompression(false)
	var raw, out bytes.Buffer
	require.NoError(t, d.Output(&raw))
	texts := regexp.MustCompile(`(?s)BT ([\d.]+) ([\d.]+) Td \((.*?[^\\]|)\) Tj ET`)
	for i, page := range regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindAllSubmatch(raw.Bytes(), d.PageCount()) {
		fmt.Fprintf(&out, "# page %d\n", i+1)
		for _, m := range texts.FindAllSubmatch(page[1], -1) {
			b := bytes.NewBuffer(nil)
			for k := 0; k < len(m[3]); k++ {
				if m[3][k] == '\\' {
					if k++; m[3][k] == 'r' {
						b.WriteByte('\r')
						continue
					}
				}
				b.WriteByte(m[3][k])
			}
			units := make([]uint16, b.Len()/2)
			for k := range units {
				units[k] = uint16(b.Bytes()[2*k])<<8 | uint16(b.Bytes()[2*k+1])
			}
			fmt.Fprintf(&out, "%s %s %s\n", m[1], m[2], string(utf16.Decode(units)))
		}
	}
	return out.Bytes()
}

func xlsxText(t *testing.T, b []byte) []byte {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b))
	require.NoError(t, err)
	defer f.Close()
	var out bytes.Buffer
	for _, sheet := range f.GetSheetList() {
		fmt.Fprintf(&out, "# %s\n", sheet)
		rows, err := f.GetRows(sheet)
		require.NoError(t, err)
		for i, row := range rows {
			fmt.Fprintf(&out, "%d\t%q\n", i+1, row)
		}
	}
	return regexp.MustCompile(`Shard Admin [\w.-]+`).ReplaceAll(out.Bytes(), []byte("Shard Admin VERSION"))
}
