package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"shardadmin/internal/fault"
)

// NameGrants puts the statements that are missing into the hint of a refusal that came
// from a server, which names what it protects and not the right. Where they are not to
// be had, the hint leads to fleet check, as it did.
func (s *Session) NameGrants(ctx context.Context, err error) {
	f := fault.As(err)
	if f == nil || f.Code != fault.RightMissing || strings.Contains(f.Hint, "GRANT ") {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	check, err := s.Check(ctx)
	if err != nil {
		return
	}
	here, all := []string{}, []string{}
	for _, d := range check.Databases {
		for _, m := range d.Missing {
			grant := strings.TrimSuffix(m.Grant, ";")
			if all = append(all, d.Name+": "+grant); strings.Contains(f.Message, d.Name+": ") {
				here = append(here, grant)
			}
		}
	}
	if len(here) == 0 {
		here = all
	}
	if len(here) > 0 {
		const most = 3
		f.Hint = strings.Join(here[:min(most, len(here))], "; ")
		if len(here) > most {
			f.Hint += fmt.Sprintf("; shard-admin fleet check prints %d more", len(here)-most)
		}
	}
}
