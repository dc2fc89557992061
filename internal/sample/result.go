package sample

import (
	"iter"
	"slices"
	"time"
)

// Result is the answer to one query.
type Result struct {
	// At is when the answer had come, by this computer's clock.
	At time.Time
	// Took is the time from the answer before it, or from sending for the
	// first: the server's time for the query, the first one's with the way
	// there and back.
	Took    time.Duration
	Columns []string
	// Rows hold nil, bool, int64, float64, string, time.Time, []string and
	// []int64; a type that is none of these is the text that the server gives.
	Rows [][]any
	// Err is why there is no answer: a fault of package conn, or not_available
	// with the query's own reason. Rows are empty then.
	Err error
	// Late is true where the time of the look ran out while the server was at this
	// query, Unasked where it ran out before the query's turn came.
	Late, Unasked bool
}

// Row is one row of a result. A column that the server's version does not have
// reads as null.
type Row struct {
	columns []string
	values  []any
}

// Row returns the i-th row.
func (r Result) Row(i int) Row { return Row{columns: r.Columns, values: r.Rows[i]} }

// All yields every row.
func (r Result) All() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for i := range r.Rows {
			if !yield(r.Row(i)) {
				return
			}
		}
	}
}

// Value returns a column as Rows hold it; nil for null.
func (r Row) Value(column string) any {
	if i := slices.Index(r.columns, column); i >= 0 {
		return r.values[i]
	}
	return nil
}

// Int returns a whole number; false for null and for what is no such number.
func (r Row) Int(column string) (int64, bool) {
	v, ok := r.Value(column).(int64)
	return v, ok
}

// IntOr is Int with a value for null: for columns that cannot be null, and for
// those where null means that value.
func (r Row) IntOr(column string, or int64) int64 {
	if v, ok := r.Int(column); ok {
		return v
	}
	return or
}

// Float returns a number, whole or not; false for null.
func (r Row) Float(column string) (float64, bool) {
	switch v := r.Value(column).(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// FloatOr is Float with a value for null, under the conditions of IntOr.
func (r Row) FloatOr(column string, or float64) float64 {
	if v, ok := r.Float(column); ok {
		return v
	}
	return or
}

// Is returns a truth value; null is false.
func (r Row) Is(column string) bool {
	v, _ := r.Value(column).(bool)
	return v
}

// Text returns a text; null is empty.
func (r Row) Text(column string) string {
	v, _ := r.Value(column).(string)
	return v
}

// Texts returns an array of texts.
func (r Row) Texts(column string) []string {
	v, _ := r.Value(column).([]string)
	return v
}

// Ints returns an array of whole numbers.
func (r Row) Ints(column string) []int64 {
	v, _ := r.Value(column).([]int64)
	return v
}

// Time returns a point in time; false for null and for infinity.
func (r Row) Time(column string) (time.Time, bool) {
	v, ok := r.Value(column).(time.Time)
	return v, ok
}
