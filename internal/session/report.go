package session

import (
	"context"

	"shardadmin/internal/move"
)

// ReportPhase is a time that a move spent on one thing without a break. Queue,
// Hold, Watch and Stopped are times in which it waited.
type ReportPhase struct {
	Phase   string `json:"phase"`
	BeganAt string `json:"began_at"`
	// EndedAt and DurationMS are null where it has not ended.
	EndedAt    *string `json:"ended_at"`
	DurationMS *int64  `json:"duration_ms"`
	Reason     string  `json:"duration_ms_reason"`
}

// ReportStep is when a move came to a state and a step in it; the step begun is
// a run that goes on from there.
type ReportStep struct {
	At    string `json:"at"`
	State string `json:"state"`
	Step  string `json:"step"`
	// ErrorCode is why the move stood still, "" where it did not.
	ErrorCode string `json:"error_code"`
}

// ReportDigest is what the tenant's rows of a table amounted to when both sides
// were equal: their number, the sums of the halves of each row's hash, and one
// short hash of these.
type ReportDigest struct {
	Rows   int64  `json:"rows"`
	SumA   string `json:"sum_a"`
	SumB   string `json:"sum_b"`
	SHA256 string `json:"sha256"`
}

// ReportTable is one table of a move.
type ReportTable struct {
	Table       string `json:"table"`
	Kind        string `json:"kind"`
	Rows        int64  `json:"rows"`
	Bytes       int64  `json:"bytes"`
	RowsCopied  int64  `json:"rows_copied"`
	BytesCopied int64  `json:"bytes_copied"`
	Verified    bool   `json:"verified"`
	// Digest is null where the table was not verified.
	Digest *ReportDigest `json:"digest"`
	Reason string        `json:"digest_reason"`
}

// ReportRow is a row that is on a shard although its tenant is not.
type ReportRow struct {
	Table string `json:"table"`
	Key   string `json:"key"`
}

// ReportRefused is how many of the tenant's writes a shard has refused, null
// with a reason where it does not say.
type ReportRefused struct {
	Shard  string `json:"shard"`
	Count  *int64 `json:"count"`
	Reason string `json:"count_reason"`
}

// MoveReport is what there is to say about a move that is settled.
type MoveReport struct {
	Fleet       string `json:"fleet"`
	Environment string `json:"environment"`
	MadeAt      string `json:"made_at"`
	// Move is the move itself; its tables are beside it.
	Move       MoveView        `json:"move"`
	ModeReason string          `json:"mode_reason"`
	Phases     []ReportPhase   `json:"phases"`
	Steps      []ReportStep    `json:"steps"`
	Tables     []ReportTable   `json:"tables"`
	Decisions  []Decision      `json:"decisions"`
	Shared     []ReportRow     `json:"shared_copies"`
	Kept       []ReportRow     `json:"kept_on_source"`
	Refused    []ReportRefused `json:"refused_writes"`
	Events     []Event         `json:"events"`
	// ChainOK is true where every hash of the whole trail is right.
	ChainOK     bool   `json:"chain_ok"`
	ChainReason string `json:"chain_reason"`
	// Safe is where the tenant lives, and what the other shard holds.
	Safe string `json:"safe"`
}

// ReportMove says all that is known of a move that is settled; the id may be
// shortened.
func (s *Session) ReportMove(ctx context.Context, id string) (MoveReport, error) {
	if err := s.installed(ctx); err != nil {
		return MoveReport{}, err
	}
	r, err := s.engine.Report(ctx, id)
	if err != nil {
		return MoveReport{}, err
	}
	v := MoveReport{
		Fleet: s.cfg.Fleet.Name, Environment: string(s.cfg.Fleet.Environment), MadeAt: now(), Move: moveView(r.Move, true), Phases: []ReportPhase{}, Steps: []ReportStep{},
		Tables: []ReportTable{}, Decisions: []Decision{}, Shared: []ReportRow{}, Kept: []ReportRow{}, Refused: []ReportRefused{}, Events: []Event{}, Safe: r.Move.Safe(),
	}
	v.Move.Tables = []MoveTable{}
	s.behind(ctx, &v.Move, r.Move)
	for _, p := range r.Stretches {
		x := ReportPhase{Phase: p.Name, BeganAt: stamp(p.Began), EndedAt: stampPtr(p.Ended), Reason: "it has not ended"}
		if p.Ended != nil {
			x.DurationMS, x.Reason = ptr(p.Ended.Sub(p.Began).Milliseconds()), ""
		}
		v.Phases = append(v.Phases, x)
	}
	for _, st := range r.Steps {
		v.Steps = append(v.Steps, ReportStep{stamp(st.At), string(st.State), st.Step, st.ErrorCode})
	}
	for _, t := range r.Move.Tables {
		v.Tables = append(v.Tables, reportTable(t))
	}
	for _, x := range r.Refused {
		v.Refused = append(v.Refused, ReportRefused{x.Shard, x.Count, x.Why})
	}
	for _, e := range r.Events {
		v.Events = append(v.Events, eventView(e))
	}
	if p := r.Move.PlanOf(); p != nil {
		v.ModeReason = p.ModeReason
		v.Decisions = planView(p).Decisions
		for _, x := range p.SharedCopies {
			v.Shared = append(v.Shared, ReportRow(x))
		}
		for _, x := range p.KeepOnSource {
			v.Kept = append(v.Kept, ReportRow(x))
		}
	}
	v.ChainOK, v.ChainReason = s.chain(ctx)
	return v, nil
}

func reportTable(t move.Table) ReportTable {
	x := ReportTable{Table: t.Table, Kind: t.Kind, Rows: t.Rows, Bytes: t.Bytes, RowsCopied: t.RowsCopied, BytesCopied: t.BytesCopied, Verified: t.Verified}
	if a := t.Amount(); a != nil {
		x.Digest = &ReportDigest{a.Rows, a.SumA, a.SumB, a.SHA256}
	} else {
		x.Reason = "the table was not verified"
	}
	return x
}

// chain reads the whole trail: a hash in a report is worth what the chain is.
func (s *Session) chain(ctx context.Context) (bool, string) {
	v, err := s.trail.Verify(ctx)
	switch {
	case err != nil:
		return false, *errorText(err)
	case !v.OK:
		return false, "the audit chain does not verify: shard-admin audit verify says where"
	}
	return true, ""
}
