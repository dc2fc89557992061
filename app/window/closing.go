package window

import (
	"fmt"
	"strings"

	"shardadmin/internal/session"
)

// closing says what becomes of moves that are under way when the window closes.
func closing(moves []session.MoveView) string {
	const most = 5
	var b strings.Builder
	if len(moves) == 1 {
		b.WriteString("A move is under way:\n\n")
	} else {
		fmt.Fprintf(&b, "%d moves are under way:\n\n", len(moves))
	}
	for i, m := range moves {
		if i == most {
			fmt.Fprintf(&b, "… and %d more\n", len(moves)-most)
			break
		}
		label := m.Label
		if label == "" {
			label = m.Tenant
		}
		fmt.Fprintf(&b, "%s: %s → %s, %s\n", label, m.Source, m.Target, m.State)
	}
	b.WriteString("\nWhat this window carries out stops at its next safe point; nothing is lost, and every site stays up. " +
		"It goes on at once where a worker runs, else with Resume when the window is open again, or with “shard-admin move resume ID”.\n\nClose the window?")
	return b.String()
}
