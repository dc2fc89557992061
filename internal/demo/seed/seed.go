// Package seed fills databases that have the reference application's schema
// with sample tenants: rows in every table that a tenant can own, in every way
// to own one (by tenant column, through a parent, by a reference that no
// constraint declares, by type and id, backwards by who points at it, shared
// with another tenant). The rows are made inside the server.
//
// Each tenant uses a range of integer ids of its own, but for one in twenty
// whose range another shard uses too. Each shard's sequences go on behind its
// own highest ids.
package seed

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed rows.sql
var rowsSQL string

//go:embed shared.sql
var sharedSQL string

//go:embed control.sql
var controlSQL string

//go:embed sequences.sql
var sequencesSQL string

// Fill files the tenants of one shard in an empty database of the schema, and
// the whole catalogue where the shard is the first of the plan. The session has
// to be a superuser's.
func Fill(ctx context.Context, c *pgx.Conn, p Plan, shard string) error {
	control := shard == p.Shards[0]
	if _, err := c.Exec(ctx, "CREATE TEMP TABLE sa_tenant (id int PRIMARY KEY, base int, n int, born timestamp)"); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	var sites, list [][]any
	for _, t := range p.Tenants() {
		born := time.Date(2023, 1, 2, 9, 0, 0, 0, time.UTC).AddDate(0, 0, t.ID*3)
		if t.Shard == shard {
			list = append(list, []any{t.ID, t.Base, t.Properties, born})
		}
		if t.Shard == shard || control {
			sites = append(sites, []any{
				t.ID, t.Label(), t.Label(), fmt.Sprintf("Estate Agency %03d", t.ID), fmt.Sprintf("owner%d@tenant%d.example", t.ID, t.ID),
				t.Shard, t.Shard == "demo", "live", t.Properties, born, born,
			})
		}
	}
	columns := []string{"id", "subdomain", "slug", "company_display_name", "owner_email", "shard_name", "demo_mode", "provisioning_state", "realty_assets_count", "created_at", "updated_at"}
	if _, err := c.CopyFrom(ctx, pgx.Identifier{"pwb_websites"}, columns, pgx.CopyFromRows(sites)); err != nil {
		return fmt.Errorf("seed: the catalogue: %w", err)
	}
	if _, err := c.CopyFrom(ctx, pgx.Identifier{"sa_tenant"}, []string{"id", "base", "n", "born"}, pgx.CopyFromRows(list)); err != nil {
		return fmt.Errorf("seed: the list of tenants: %w", err)
	}
	steps := []string{sharedSQL, rowsSQL}
	if control {
		steps = append(steps, controlSQL)
	}
	for _, sql := range append(steps, sequencesSQL) {
		if _, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("seed: %s: %w", shard, err)
		}
	}
	return nil
}
