package app

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// TenantExport is a list of tenants that was written to a file.
type TenantExport struct {
	Path string `json:"path"`
	Rows int    `json:"rows"`
}

// TenantExportRequest is what the list shows.
type TenantExportRequest struct {
	Filter session.TenantFilter `json:"filter"`
	// Columns in their order: id, label, title, shard, status, move, size, rows,
	// demo, created, changed, or "field." and one of the profile's.
	Columns []string `json:"columns"`
	// IDs are the tenants chosen; empty means all that the filter finds.
	IDs []string `json:"ids"`
}

// exportPage is how many tenants are read at once.
const exportPage = 5000

// Export writes a list of tenants to a CSV file, as it is shown.
func (t *Tenants) Export(r TenantExportRequest) (TenantExport, error) {
	for _, c := range r.Columns {
		if _, ok := tenantColumn(c); !ok {
			return TenantExport{}, fault.Newf(fault.Usage, "choose among the columns that the list offers", "a list of tenants has no column %q", c)
		}
	}
	if len(r.Columns) == 0 {
		return TenantExport{}, fault.New(fault.Usage, "choose at least one column", "an export without columns has nothing to write")
	}
	path, err := t.app.exportTo("Export tenants", "tenants", "csv", "shard-admin tenants list --json")
	if err != nil {
		return TenantExport{}, err
	}
	return look(t.app, long, func(ctx context.Context, s *session.Session) (TenantExport, error) {
		return exportTenants(ctx, s, path, r)
	})
}

// exportTenants writes beside the file and renames at the end, so that nobody
// finds half a list.
func exportTenants(ctx context.Context, s *session.Session, path string, r TenantExportRequest) (out TenantExport, err error) {
	wrong := func(err error) error {
		return fault.Wrap(err, fault.Internal, "the file cannot be written: "+path, "check the folder and the space left on the disk")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tenants-*")
	if err != nil {
		return out, wrong(err)
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	w := csv.NewWriter(f)
	header := make([]string, len(r.Columns))
	cells := make([]func(session.TenantRow) string, len(r.Columns))
	for i, c := range r.Columns {
		header[i] = strings.TrimPrefix(c, "field.")
		cells[i], _ = tenantColumn(c)
	}
	if err := w.Write(header); err != nil {
		return out, wrong(err)
	}
	chosen := map[string]bool{}
	for _, id := range r.IDs {
		chosen[id] = true
	}
	out.Path = path
	line := make([]string, len(cells))
	for r.Filter.Limit, r.Filter.Offset = exportPage, 0; ; r.Filter.Offset += exportPage {
		list, err := s.Tenants(ctx, r.Filter)
		if err != nil {
			return out, err
		}
		for _, t := range list.Tenants {
			if len(chosen) > 0 && !chosen[t.ID] {
				continue
			}
			for i, cell := range cells {
				line[i] = harmless(cell(t))
			}
			if err := w.Write(line); err != nil {
				return out, wrong(err)
			}
			out.Rows++
		}
		if len(list.Tenants) < exportPage {
			break
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return out, wrong(err)
	}
	if err := f.Close(); err != nil {
		return out, wrong(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return out, wrong(err)
	}
	return out, nil
}

// harmless keeps a spreadsheet from taking a customer's text for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func orNothing[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

func tenantColumn(name string) (func(session.TenantRow) string, bool) {
	if field, ok := strings.CutPrefix(name, "field."); ok {
		return func(t session.TenantRow) string { return t.Fields[field] }, true
	}
	switch name {
	case "id":
		return func(t session.TenantRow) string { return t.ID }, true
	case "label":
		return func(t session.TenantRow) string { return t.Label }, true
	case "title":
		return func(t session.TenantRow) string { return t.Title }, true
	case "shard":
		return func(t session.TenantRow) string { return t.Shard }, true
	case "status":
		return func(t session.TenantRow) string { return orNothing(t.Status) }, true
	case "move":
		return func(t session.TenantRow) string {
			if t.MoveReason != "" {
				return "not known: " + t.MoveReason
			}
			return orNothing(t.MoveState)
		}, true
	case "size":
		return func(t session.TenantRow) string { return orNothing(t.BytesEstimate) }, true
	case "rows":
		return func(t session.TenantRow) string { return orNothing(t.RowsEstimate) }, true
	case "demo":
		return func(t session.TenantRow) string {
			if t.Demo == nil {
				return ""
			}
			return strconv.FormatBool(*t.Demo)
		}, true
	case "created":
		return func(t session.TenantRow) string { return orNothing(t.CreatedAt) }, true
	case "changed":
		return func(t session.TenantRow) string { return orNothing(t.ChangedAt) }, true
	}
	return nil, false
}
