package health

import "time"

// parseDay reads a date of the tables in this package.
func parseDay(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }
