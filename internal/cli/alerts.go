package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) alertsCommand() *cobra.Command {
	var all bool
	list := &cobra.Command{
		Use: "list", Short: "Show what is wrong, since when, and what is silent", Args: want(),
		Long: `Show what is wrong, since when, and what is silent. The window, serve and worker
look for alerts while they run.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runAlertsList(cmd.Context(), all) },
	}
	list.Flags().BoolVar(&all, "all", false, "also what is over")
	ack := &cobra.Command{
		Use: "ack ID", Short: "Take an alert: nobody is told but of its end", Args: want("ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runAlertsAck(cmd.Context(), args[0]) },
	}
	var r session.SilenceRequest
	silence := &cobra.Command{
		Use: "silence", Short: "Tell nobody for a time, of a shard or the fleet", Args: want(),
		Long: `Tell nobody for a time: maintenance. Alerts are shown all the same; what fires
still at the end is told then. A silence lasts 31 days at most. With --every it
holds in those windows alone, written as "move queue window" takes them, and
lasts a year unless --until says otherwise.`,
		Example: `  shard-admin alerts silence --shard shard_1 --until 2h --note "a new disk"
  shard-admin alerts silence --from 2026-01-31T22:00:00Z --until 6h --note disk
  shard-admin alerts silence --every "sun 02:00-04:00 UTC" --note backup`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runAlertsSilence(cmd.Context(), r) },
	}
	silence.Flags().SortFlags = false
	silence.Flags().StringVar(&r.Shard, "shard", "", "about this shard `NAME` alone, or a server of several by its address")
	silence.Flags().StringVar(&r.Rule, "rule", "", "about this `RULE` alone, as health.reachable")
	silence.Flags().StringVar(&r.Begins, "from", "", "the `TIME` at which it begins, or a duration from now")
	silence.Flags().StringVar(&r.Ends, "until", "", "the `TIME` at which it ends, or a duration")
	silence.Flags().StringVar(&r.Every, "every", "", "in these `WINDOWS` alone, again and again until it ends")
	unsilence := &cobra.Command{
		Use: "unsilence ID", Short: "End a silence", Args: want("ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runAlertsUnsilence(cmd.Context(), args[0]) },
	}
	c := group("alerts", "Show, acknowledge and silence alerts", list, ack, silence, unsilence)
	return c
}

func (p *program) notifyCommand() *cobra.Command {
	test := &cobra.Command{
		Use: "test CHANNEL", Short: "Send a message that says it is a test", Args: want("CHANNEL"),
		Long: `Send a message through a [[notify]] of the fleet file. The message says that it
is a test; nothing of the fleet is changed.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runNotifyTest(cmd.Context(), args[0]) },
	}
	return group("notify", "Test the channels by which people are told", test)
}

func (p *program) runAlertsList(ctx context.Context, all bool) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Alerts(ctx, all)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) { printAlerts(w, v) })
}

func printAlerts(w io.Writer, v session.AlertList) {
	if !v.Kept {
		paragraph(w, "", v.Reason+".")
		return
	}
	if len(v.Alerts) == 0 {
		line(w, "No alert.")
	} else {
		t := newTable(column{title: "ID", right: true}, column{title: "STATE"}, column{title: "SEVERITY"}, column{title: "SINCE (UTC)"}, column{title: "WHAT", least: 12, wraps: true})
		for _, a := range v.Alerts {
			state := a.State
			if a.Silenced {
				state += ", silent"
			}
			t.add(strconv.FormatInt(a.ID, 10), state, a.Severity, moment(a.Since), at(or(a.Shard, "fleet"), a.Message))
		}
		t.print(w)
	}
	for _, n := range v.Silences {
		of := or(n.Shard, "the fleet")
		if n.Rule != "" {
			of += ", " + n.Rule
		}
		when := ""
		if n.Every != "" {
			when = ", in the windows " + n.Every
			if n.NextAt != nil {
				when += ", next at " + moment(*n.NextAt) + " UTC"
			}
		}
		paragraph(w, "", fmt.Sprintf("Silence %d of %s from %s to %s UTC%s, by %s: %s", n.ID, of, moment(n.Begins), moment(n.Ends), when, n.By, n.Reason))
	}
	for _, c := range v.Channels {
		if c.Error != "" {
			paragraph(w, "", fmt.Sprintf("Channel %s: %s (%s).", c.Name, c.Error, count(int64(c.Waiting), "message")+" waiting"))
		}
	}
	if !v.Evaluated {
		paragraph(w, "", "No program looks for alerts now: the window, serve and worker do while they run.")
	}
}

func numberOf(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.Newf(fault.Usage, "shard-admin alerts list shows the numbers", "an id is a number, not %s", harmless(text))
	}
	return id, nil
}

type alertAcknowledged struct {
	Alert int64  `json:"alert"`
	State string `json:"state"`
}

func (p *program) runAlertsAck(ctx context.Context, text string) error {
	return p.numbered(ctx, text, "Alert %d is yours; nobody is told of it but its end.", (*session.Session).AckAlert, func(id int64) error {
		return p.answer(alertAcknowledged{id, "acknowledged"}, func(w io.Writer) { line(w, "Alert %d is acknowledged.", id) })
	})
}

// numbered changes what has a number, after saying what becomes of it.
func (p *program) numbered(ctx context.Context, text, becomes string, do func(*session.Session, context.Context, int64, string) error, answer func(id int64) error) error {
	id, err := numberOf(text)
	if err != nil {
		return err
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if err := p.change(ctx, s.Fleet(), fmt.Sprintf(becomes, id), s.Fleet().Name); err != nil {
		return err
	}
	if err := do(s, ctx, id, p.note); err != nil {
		return err
	}
	return answer(id)
}

func (p *program) runAlertsSilence(ctx context.Context, r session.SilenceRequest) error {
	if r.Ends == "" && r.Every == "" {
		return fault.New(fault.Usage, "a silence needs an end", "add --until 2h, or a time such as 2026-01-31T06:00:00Z")
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if err := p.change(ctx, s.Fleet(), "Nobody is told of "+or(r.Shard, "the fleet "+s.Fleet().Name)+silent(r)+".", s.Fleet().Name); err != nil {
		return err
	}
	r.Note = p.note
	v, err := s.Silence(ctx, r)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) { line(w, "Silence %d until %s UTC.", v.ID, moment(v.Ends)) })
}

// silent says when a silence holds.
func silent(r session.SilenceRequest) string {
	out := ""
	if r.Ends != "" {
		out = " until " + r.Ends
	}
	if r.Every != "" {
		out += " in the windows " + r.Every
	}
	return out
}

type silenceEnded struct {
	Silence int64 `json:"silence"`
	Ended   bool  `json:"ended"`
}

func (p *program) runAlertsUnsilence(ctx context.Context, text string) error {
	return p.numbered(ctx, text, "Silence %d ends; what fires is told.", (*session.Session).Unsilence, func(id int64) error {
		return p.answer(silenceEnded{id, true}, func(w io.Writer) { line(w, "Silence %d has ended.", id) })
	})
}

func (p *program) runNotifyTest(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.TestChannel(ctx, name)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) { line(w, "The receiver of %s took the test.", name) })
}
