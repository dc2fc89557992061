package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type versionLimits struct {
	EndOfLifeDays float64 // before the end of support
}

func version() Check {
	return Check{
		Name: "version", Title: "The server's version is supported", Group: "configuration", Tier: sample.Day, Server: true,
		Why:    "After the end of support nobody mends security holes and lost data. Within support the newest minor version has the mended ones.",
		Remedy: "Plan the upgrade; a move to a shard on a newer version is one way.",
		Limits: func(l *Limits) { l.EndOfLifeDays = 180 },
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning after the end of support, info %.0f days before; info for a minor version that is older than the newest known, and for a major that is newer than any that was tried", l.EndOfLifeDays)
		},
		Between: func(shards map[string]Reading, _ Limits) []Finding { return versions(shards) },
		Judge:   func(now, _ Reading, l Limits) []Finding { return aged(now, l) },
	}
}

// release is what is known of a major version.
type release struct {
	major int
	// until is when its support ends; minor the newest minor version known.
	until string
	minor int
}

// knownOn is when releases was written.
const knownOn = "2026-11-01"

// releases are the versions that this program was tried with.
func releases() []release {
	return []release{{14, "2026-11-12", 23}, {15, "2027-11-11", 18}, {16, "2028-11-09", 14}, {17, "2029-11-08", 10}, {18, "2030-11-14", 4}}
}

func aged(now Reading, l Limits) []Finding {
	major, minor := now.Server.Major(), now.Server.Version%10000
	list := releases()
	i := slices.IndexFunc(list, func(r release) bool { return r.major == major })
	switch {
	case major > newest:
		return []Finding{{Severity: Info, Value: now.Server.VersionText, Message: fmt.Sprintf("PostgreSQL %d is newer than %d, the newest that this program was tried with; it is asked as if it were %d", major, newest, newest), Advice: "look for a newer version of this program"}}
	case i < 0:
		return []Finding{{Severity: Warning, Value: now.Server.VersionText, Message: fmt.Sprintf("PostgreSQL %d has been without support for years", major), Advice: "plan the upgrade"}}
	}
	out := []Finding{}
	until, _ := parseDay(list[i].until)
	switch days := until.Sub(now.At).Hours() / 24; {
	case days < 0:
		out = append(out, Finding{Severity: Warning, Value: now.Server.VersionText, Message: fmt.Sprintf("support for PostgreSQL %d ended on %s", major, list[i].until), Advice: "plan the upgrade"})
	case days < l.EndOfLifeDays:
		out = append(out, Finding{Severity: Info, Value: now.Server.VersionText, Message: fmt.Sprintf("support for PostgreSQL %d ends on %s", major, list[i].until), Advice: "plan the upgrade"})
	}
	if minor < list[i].minor {
		out = append(out, Finding{Severity: Info, Value: now.Server.VersionText, Message: fmt.Sprintf("%d.%d is older than %d.%d, the newest known on %s", major, minor, major, list[i].minor, knownOn), Advice: "minor versions mend faults and need a restart only"})
	}
	return out
}

// versions finds minor versions of one major that differ between servers.
func versions(shards map[string]Reading) []Finding {
	byMajor := map[int]map[string][]string{}
	majors := []int{}
	for _, shard := range sorted(shards) {
		now := shards[shard]
		if now.Err != nil || now.Server.Version == 0 {
			continue
		}
		if byMajor[now.Server.Major()] == nil {
			byMajor[now.Server.Major()] = map[string][]string{}
			majors = append(majors, now.Server.Major())
		}
		short, _, _ := strings.Cut(now.Server.VersionText, " ")
		byMajor[now.Server.Major()][short] = append(byMajor[now.Server.Major()][short], shard)
	}
	out := []Finding{}
	slices.Sort(majors)
	for _, m := range majors {
		if len(byMajor[m]) < 2 {
			continue
		}
		rows := [][]string{}
		for v, on := range byMajor[m] {
			rows = append(rows, []string{v, strings.Join(on, ", ")})
		}
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		out = append(out, Finding{
			Severity: Info, Subject: fmt.Sprintf("PostgreSQL %d", m), Value: figure.Number(int64(len(rows))), Message: "shards run different minor versions: " + strings.Join(told(rows), "; "),
			Advice: "bring all to the newest", Evidence: Evidence{Columns: []string{"version", "shards"}, Rows: rows},
		})
	}
	return out
}

// parseDay reads a date of the tables in this package.
func parseDay(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }
