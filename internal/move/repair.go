package move

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// mostRepaired bounds how many rows a repair brings anew. More than that is no
// accident of a few rows, and copying all of them is quicker.
const mostRepaired = 10_000

// mostNamed bounds how many of the repaired rows the audit event names.
const mostNamed = 100

// Repairable reports whether the move stopped because rows differed while the
// tenant wrote, so that a resume may bring those rows anew and no others. Under a
// fence that opened again nothing of the copy counts.
func (m *Move) Repairable() bool {
	return m.online() && m.State == Failed && m.stood() == Copying && m.Step == stepVerifying && m.ErrorCode == string(fault.VerifyDifferent)
}

// NotRepairable is the refusal of a repair.
func (m *Move) NotRepairable() error {
	return fault.Newf(fault.MoveState, fault.Change("move resume "+m.ID+" --wait")+", without --repair",
		"move %s did not stop at rows that differ while the tenant wrote: there is nothing to repair", m.ID)
}

// repair compares every row again, brings those that differ anew from the source,
// and compares once more; the move goes on from there. A row that differs for a
// second time is changed by something on the target, and the repair fails.
func (r *run) repair(ctx context.Context) error {
	if !r.m.Repairable() {
		return r.m.NotRepairable()
	}
	if err := r.neverSwitched(ctx); err != nil {
		return err
	}
	if err := r.to(ctx, Copying, stepVerifying); err != nil {
		return err
	}
	if err := r.noteWrites(ctx, r.src, ActionResume); err != nil {
		return err
	}
	c, err := r.carrier(ctx, r.src, r.dst)
	if err != nil {
		return err
	}
	defer c.Close()
	var found *compare.Result
	if _, err := c.Pass(ctx, func(ctx context.Context, snapshot string) (err error) {
		found, err = r.compare(ctx, snapshot, mostRepaired)
		return err
	}); err != nil {
		return err
	}
	if found.More {
		return fault.Newf(fault.VerifyDifferent, fault.Change("move resume "+r.m.ID+" --wait")+", without --repair, copies all rows anew",
			"more than %s differ between %s and %s: that is no repair", figure.Count(mostRepaired, "row"), r.m.Source, r.m.Target)
	}
	if err := r.noteAgain(ctx, found.Differences); err != nil {
		return err
	}
	r.repaired = found.Differences
	r.say(ctx, "%s are brought anew from %s", figure.Count(int64(len(found.Differences)), "differing row"), r.m.Source)
	return r.firstPass(ctx, c)
}

// noteAgain notes rows as if the tenant had just written them.
func (r *run) noteAgain(ctx context.Context, list []compare.Difference) error {
	keys := make([][]string, len(list))
	for i, d := range list {
		class := r.tm.Table(d.Table)
		if class == nil {
			return fault.Newf(fault.SchemaDifferent, "cancel the move and plan anew", "the table %s is gone", d.Table)
		}
		var err error
		if keys[i], err = r.keyOf(ctx, class, d.Key); err != nil {
			return err
		}
	}
	return r.sideWrite(ctx, r.src, func(tx pgx.Tx) error {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"shard_admin_move", "touched"}, []string{"move_id", "tbl", "key"}, pgx.CopyFromSlice(len(list), func(i int) ([]any, error) {
			return []any{r.m.ID, list[i].Table, keys[i]}, nil
		}))
		return err
	})
}

// keyOf splits the text of a key into its columns, on whichever side has the row.
// A table without a key is noted as a whole.
func (r *run) keyOf(ctx context.Context, c *tenancy.TableClass, text string) ([]string, error) {
	switch len(c.Table.Key()) {
	case 0:
		return []string{}, nil
	case 1:
		return []string{text}, nil
	}
	cols := []string{}
	for _, k := range c.Table.Key() {
		cols = append(cols, "t."+pgx.Identifier{k}.Sanitize()+"::text")
	}
	for _, s := range []*side{r.src, r.dst} {
		var key []string
		err := s.db.Read(ctx, 0, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT ARRAY["+strings.Join(cols, ", ")+"] FROM "+c.Table.Own()+" t WHERE "+rowcopy.KeyText(c, "t")+" = $1 LIMIT 1", text).Scan(&key)
		})
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return nil, conn.Fault(err, s.name)
		}
	}
	return nil, fault.Newf(fault.VerifyDifferent, fault.Change("move resume "+r.m.ID+" --wait --repair")+" tries again", "row %s of %s differed and is on neither side now", text, c.Name())
}

// repairs tells the audit trail which rows were brought anew.
func (r *run) repairs() map[string]any {
	rows := []string{}
	for i, d := range r.repaired {
		if i == mostNamed {
			break
		}
		rows = append(rows, fmt.Sprintf("%s %s %s %s", d.Table, d.Key, d.Kind, d.Column))
	}
	return map[string]any{"count": len(r.repaired), "rows": rows}
}
