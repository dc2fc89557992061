package notify

import (
	"fmt"
	"strings"
	"time"
)

// Item is one alert in a message.
type Item struct {
	ID       int64     `json:"id"`
	Rule     string    `json:"rule"`
	Subject  string    `json:"subject"`
	Shard    string    `json:"shard"`
	Severity string    `json:"severity"`
	State    string    `json:"state"` // firing or resolved
	Message  string    `json:"message"`
	Value    string    `json:"value"`
	Advice   string    `json:"advice"`
	Since    time.Time `json:"since"`
	At       time.Time `json:"at"` // when it came to its state
	Once     bool      `json:"once"`
}

// Message is what a channel sends.
type Message struct {
	// Key is the same for each try.
	Key         string `json:"key"`
	Fleet       string `json:"fleet"`
	Environment string `json:"environment"`
	Test        bool   `json:"test"`
	Digest      bool   `json:"digest"`
	Items       []Item `json:"alerts"`
}

// Title is the message in one line.
func (m Message) Title() string {
	switch {
	case m.Test:
		return oneLine("[" + m.Fleet + "] test of a channel of Shard Admin")
	case m.Digest:
		return oneLine(fmt.Sprintf("[%s] digest: %d alerts", m.Fleet, len(m.Items)))
	case len(m.Items) == 1:
		return oneLine("[" + m.Fleet + "] " + headOf(m.Items[0]))
	}
	firing := 0
	for _, i := range m.Items {
		if i.State == "firing" {
			firing++
		}
	}
	return oneLine(fmt.Sprintf("[%s] %d alerts: %d firing, %d resolved", m.Fleet, len(m.Items), firing, len(m.Items)-firing))
}

func headOf(i Item) string {
	word := i.Severity
	if i.State == "resolved" {
		word = "resolved"
	}
	return word + ": " + about(i) + i.Message
}

func about(i Item) string {
	if i.Shard == "" || strings.HasPrefix(i.Message, i.Shard+" ") || strings.HasPrefix(i.Message, i.Shard+":") {
		return ""
	}
	return i.Shard + ": "
}

// Text is the message for people.
func (m Message) Text() string {
	var b strings.Builder
	if m.Test {
		fmt.Fprintf(&b, "Somebody tests this channel of the fleet %s (%s). Nothing is wrong.\n", m.Fleet, m.Environment)
	}
	for n, i := range m.Items {
		if n > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s\n", oneLine(headOf(i)))
		if !i.Once {
			fmt.Fprintf(&b, "  since %s", i.Since.UTC().Format("2006-01-02 15:04:05 UTC"))
			if i.State == "resolved" {
				fmt.Fprintf(&b, " until %s", i.At.UTC().Format("2006-01-02 15:04:05 UTC"))
			}
			b.WriteString("\n")
		}
		if i.Advice != "" && i.State == "firing" {
			fmt.Fprintf(&b, "  %s\n", oneLine(i.Advice))
		}
		fmt.Fprintf(&b, "  %s, alert %d\n", i.Rule, i.ID)
	}
	fmt.Fprintf(&b, "\nFleet %s (%s), Shard Admin\n", m.Fleet, m.Environment)
	return b.String()
}

// oneLine keeps what a server or a person wrote from beginning lines, and headers, of
// its own.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
