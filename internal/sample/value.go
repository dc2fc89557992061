package sample

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// decode turns the server's text for a value into the type that Result.Rows
// promises for the column's type.
func decode(m *pgtype.Map, oid uint32, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	switch oid {
	case pgtype.BoolOID:
		return string(raw) == "t", nil
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.XIDOID:
		return strconv.ParseInt(string(raw), 10, 64)
	case pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID:
		return strconv.ParseFloat(string(raw), 64)
	case pgtype.TimestamptzOID:
		var t pgtype.Timestamptz
		if err := m.Scan(oid, pgtype.TextFormatCode, raw, &t); err != nil {
			return nil, err
		}
		if t.InfinityModifier != pgtype.Finite {
			return string(raw), nil
		}
		return t.Time.UTC(), nil
	case pgtype.TextArrayOID, pgtype.NameArrayOID, pgtype.VarcharArrayOID:
		return array[string](m, oid, raw)
	case pgtype.Int2ArrayOID, pgtype.Int4ArrayOID, pgtype.Int8ArrayOID:
		return array[int64](m, oid, raw)
	}
	return string(raw), nil
}

// array reads an array without nulls in it.
func array[T any](m *pgtype.Map, oid uint32, raw []byte) (any, error) {
	out := []T{}
	if err := m.Scan(oid, pgtype.TextFormatCode, raw, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// encode gives a value of Query.Args as text; nil is null.
func encode(m *pgtype.Map, v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case []string:
		return m.Encode(pgtype.TextArrayOID, pgtype.TextFormatCode, v, nil)
	case []int64:
		return m.Encode(pgtype.Int8ArrayOID, pgtype.TextFormatCode, v, nil)
	case bool:
		return strconv.AppendBool(nil, v), nil
	case int:
		return strconv.AppendInt(nil, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(nil, v, 10), nil
	case float64:
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	}
	return nil, unsupported(v)
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }
