package cli

import (
	"fmt"
	"strings"
	"time"

	"shardadmin/internal/figure"
)

// none stands for what is not known; the reason is beside it or below.
const none = "–"

func size(n int64) string { return figure.Size(n) }

func sizeOr(n *int64) string {
	if n == nil {
		return none
	}
	return size(*n)
}

func number(n int64) string { return figure.Number(n) }

func intOr(n *int) string {
	if n == nil {
		return none
	}
	return number(int64(*n))
}

func count(n int64, noun string) string { return figure.Count(n, noun) }

// milliseconds writes a latency.
func milliseconds(ms *float64) string {
	switch {
	case ms == nil:
		return none
	case *ms > 0 && *ms < 0.05:
		return "< 0.1 ms"
	case *ms < 10:
		return fmt.Sprintf("%.1f ms", *ms)
	case *ms < 10_000:
		return fmt.Sprintf("%.0f ms", *ms)
	}
	return span(time.Duration(*ms * float64(time.Millisecond)))
}

func span(d time.Duration) string { return figure.Span(d) }

func spanOr(ms *int64) string {
	if ms == nil {
		return none
	}
	return span(time.Duration(*ms) * time.Millisecond)
}

// age writes how long ago a time of a view was.
func age(at string) string { return ageAt(at, time.Now()) }

func ageAt(at string, now time.Time) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return none
	}
	switch d := now.Sub(t); {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days ago", int(d.Hours())/24)
	}
	return t.UTC().Format(time.DateOnly)
}

// moment writes a time of a view in UTC, to the second.
func moment(at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func momentOr(at *string) string {
	if at == nil {
		return none
	}
	return moment(*at)
}

// state writes a state of a move in words.
func state(s string) string { return strings.ReplaceAll(s, "_", " ") }

// percent writes a share between 0 and 1.
func percent(f *float64) string {
	if f == nil {
		return none
	}
	return fmt.Sprintf("%.1f %%", *f*100)
}

func text(s *string) string {
	if s == nil || *s == "" {
		return none
	}
	return *s
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
