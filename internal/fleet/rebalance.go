package fleet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/fault"
)

// Rebalance is what a planner of moves keeps to. Tenants are named by id or label.
type Rebalance struct {
	// CoolDown is how long a tenant rests after a move.
	CoolDown time.Duration
	// By are the dimensions that are spread; bytes alone when empty.
	By []string
	// MinimumGain is how many bytes the fullest shard has to be above an even spread
	// before moves are recommended; nil where the file says nothing.
	MinimumGain *int64
	// Pins are tenants that stay where they are, Dedicated shards that are for some
	// tenants alone, Apart tenants of which no two share a shard.
	Pins      []Pin
	Dedicated []Dedicated
	Apart     [][]string
}

// Pin keeps a tenant where it is.
type Pin struct{ Tenant, Reason string }

// Dedicated keeps a shard for some tenants, and them on it.
type Dedicated struct {
	Shard   string
	Tenants []string
}

// SpreadBy lists what tenants can be spread by.
func SpreadBy() []string { return []string{"bytes", "rows", "load", "count"} }

// CheckSpreadBy refuses what tenants cannot be spread by; usage.
func CheckSpreadBy(list []string) error {
	for i, by := range list {
		if !slices.Contains(SpreadBy(), by) {
			return fault.Newf(fault.Usage, "name some of "+strings.Join(SpreadBy(), ", "), "tenants cannot be spread by %q", by)
		}
		if slices.Contains(list[:i], by) {
			return fault.Newf(fault.Usage, "name each once", "%q is named twice", by)
		}
	}
	return nil
}

type fileRules struct {
	CoolDown  string          `toml:"cool_down,omitempty"`
	By        []string        `toml:"by,omitempty"`
	Minimum   string          `toml:"minimum_gain,omitempty"`
	Pin       []filePin       `toml:"pin,omitempty"`
	Dedicated []fileDedicated `toml:"dedicated,omitempty"`
	Apart     []fileApart     `toml:"apart,omitempty"`
}

type filePin struct {
	Tenant string `toml:"tenant"`
	Reason string `toml:"reason"`
}

type fileDedicated struct {
	Shard   string   `toml:"shard"`
	Tenants []string `toml:"tenants"`
}

type fileApart struct {
	Tenants []string `toml:"tenants"`
}

// check refuses declarations that nobody can keep to.
func (m *fileRules) check(f *Fleet, bad func(key, hint, format string, args ...any) error) (Rebalance, error) {
	out := Rebalance{By: m.By}
	if m.CoolDown != "" {
		d, ok := days(m.CoolDown)
		if !ok {
			return out, bad("rebalance.cool_down", `write a time such as "7d" or "12h"`, "the cool-down %q is not a time", m.CoolDown)
		}
		out.CoolDown = d
	}
	for i, by := range m.By {
		if !slices.Contains(SpreadBy(), by) {
			return out, bad("rebalance.by", "write some of "+strings.Join(SpreadBy(), ", "), "tenants cannot be spread by %q", by)
		}
		if slices.Contains(m.By[:i], by) {
			return out, bad("rebalance.by", "name each once", "%q is named twice", by)
		}
	}
	if m.Minimum != "" {
		n, err := ParseSize(m.Minimum)
		if err != nil {
			return out, bad("rebalance.minimum_gain", `write a size such as "1GB"`, "the minimum gain %q is not a size", m.Minimum)
		}
		out.MinimumGain = &n
	}
	pinned := map[string]bool{}
	for i, p := range m.Pin {
		key := fmt.Sprintf("rebalance.pin[%d]", i)
		switch {
		case p.Tenant == "":
			return out, bad(key, `write tenant = "its id or label"`, "a pin names no tenant")
		case strings.TrimSpace(p.Reason) == "":
			return out, bad(key, `write reason = "why it stays"`, "the pin of tenant %s has no reason", p.Tenant)
		case pinned[p.Tenant]:
			return out, bad(key+".tenant", "leave one of them out", "tenant %s is pinned twice", p.Tenant)
		}
		pinned[p.Tenant] = true
		out.Pins = append(out.Pins, Pin(p))
	}
	home, kept := map[string]string{}, map[string]bool{}
	for i, d := range m.Dedicated {
		key := fmt.Sprintf("rebalance.dedicated[%d]", i)
		if _, ok := f.Shard(d.Shard); !ok {
			return out, bad(key, "name a [[shard]] of this file", "the fleet has no shard %q to dedicate", d.Shard)
		}
		if kept[d.Shard] {
			return out, bad(key+".shard", "put the tenants of both in one list", "shard %s is dedicated twice", d.Shard)
		}
		kept[d.Shard] = true
		if len(d.Tenants) == 0 {
			return out, bad(key, `write tenants = ["acme"]`, "shard %s is dedicated to nobody", d.Shard)
		}
		for _, t := range d.Tenants {
			if t == "" || home[t] != "" {
				return out, bad(key+".tenants", "a tenant lives on one shard", "tenant %q is named twice, or by nothing", t)
			}
			home[t] = d.Shard
		}
		out.Dedicated = append(out.Dedicated, Dedicated(d))
	}
	for i, a := range m.Apart {
		distinct := slices.Compact(slices.Sorted(slices.Values(a.Tenants)))
		if len(distinct) < 2 || distinct[0] == "" {
			return out, bad(fmt.Sprintf("rebalance.apart[%d]", i), `write tenants = ["one", "another"]`, "fewer than two tenants are to be kept apart")
		}
		out.Apart = append(out.Apart, a.Tenants)
	}
	return out, nil
}

// days reads a time as Go writes it, and whole days as 7d.
func days(text string) (time.Duration, bool) {
	if n, ok := strings.CutSuffix(text, "d"); ok {
		d, err := strconv.Atoi(n)
		return time.Duration(d) * 24 * time.Hour, err == nil && d >= 0 && d <= 3650
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// rulesFile is what a file says of rules, nil where there are none.
func rulesFile(r Rebalance) *fileRules {
	m := fileRules{By: r.By}
	if r.CoolDown > 0 {
		m.CoolDown = r.CoolDown.String()
	}
	if r.MinimumGain != nil {
		m.Minimum = strconv.FormatInt(*r.MinimumGain, 10) + "B"
	}
	for _, p := range r.Pins {
		m.Pin = append(m.Pin, filePin(p))
	}
	for _, d := range r.Dedicated {
		m.Dedicated = append(m.Dedicated, fileDedicated(d))
	}
	for _, a := range r.Apart {
		m.Apart = append(m.Apart, fileApart{Tenants: a})
	}
	if m.CoolDown+m.Minimum == "" && len(m.By)+len(m.Pin)+len(m.Dedicated)+len(m.Apart) == 0 {
		return nil
	}
	return &m
}
