package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/figure"
)

// Document is a report before it has a form.
type Document struct {
	Title, Subtitle string
	Fleet           string
	Environment     string
	// Statement is the sentence that the reader relies on; Proven is false
	// where the chain does not verify.
	Statement string
	Proven    bool
	MadeAt    time.Time
	Zone      *time.Location
	Program   string
	// Facts stand on the first page.
	Facts    []Fact
	Sections []Section
}

// Fact is a line of the first page.
type Fact struct {
	Name, Value string
	Mono        bool
}

// Section is a heading with what belongs to it.
type Section struct {
	Title  string
	Text   string
	Charts []Chart
	Tables []Table
}

// Chart is bars over labels: one series, or several stacked on each other.
type Chart struct {
	Title  string
	Labels []string
	Series []Series
	// Lying bars have room for long labels.
	Lying bool
}

// Series is one colour of a chart.
type Series struct {
	Name   string
	Tone   string // ok, bad, warn, off or accent
	Values []int64
}

func (c Chart) sum(i int) int64 {
	n := int64(0)
	for _, s := range c.Series {
		n += s.Values[i]
	}
	return n
}

func (c Chart) max() int64 {
	n := int64(0)
	for i := range c.Labels {
		n = max(n, c.sum(i))
	}
	return n
}

// describe says a chart in words, for those who cannot see it.
func (c Chart) describe() string {
	parts := make([]string, len(c.Labels))
	for i, l := range c.Labels {
		parts[i] = l + ": " + strconv.FormatInt(c.sum(i), 10)
	}
	return c.Title + ". " + strings.Join(parts, ", ")
}

// Column is a column of a table.
type Column struct {
	// Key is its name in files for programs.
	Key, Title string
	// Weight is its share of the width.
	Weight float64
	Mono   bool
	Right  bool
}

// Table is a table whose rows are read when they are written.
type Table struct {
	Title   string
	Columns []Column
	// Rows is how many Each hands on.
	Rows int64
	Each func(do func([]Cell) error) error
	// None is said where there are no rows.
	None string
}

// Cell is a string, an int64, a time.Time, a time.Duration, a Size, a bool, or
// nil for what is not known.
type Cell any

// Size is a number of bytes.
type Size int64

// rowsOf is a table's Each over rows that are there.
func rowsOf(rows [][]Cell) func(func([]Cell) error) error {
	return func(do func([]Cell) error) error {
		for _, r := range rows {
			if err := do(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// shown is a cell as people read it.
func shown(c Cell, zone *time.Location) string {
	switch v := c.(type) {
	case nil:
		return "unknown"
	case string:
		return v
	case int64:
		return figure.Number(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case time.Time:
		return v.In(zone).Format("2006-01-02 15:04:05")
	case time.Duration:
		return figure.Span(v)
	case Size:
		return size(int64(v))
	}
	return fmt.Sprint(c)
}

// stored is a cell as programs read it.
func stored(c Cell) string {
	switch v := c.(type) {
	case nil:
		return ""
	case string:
		return bare(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return strconv.FormatInt(v.Milliseconds(), 10)
	case Size:
		return strconv.FormatInt(int64(v), 10)
	}
	return fmt.Sprint(c)
}

func size(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, u
	}
	if unit == "B" {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + unit
}
