package session

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"shardadmin/internal/alert"
	"shardadmin/internal/fleet"
	"shardadmin/internal/notify"
)

// desktop shows each alert that people are told of once on this computer, by whichever
// of its windows comes first. What was shown is noted before it is shown: an alert may
// be missed on a desktop, where it is a reminder, but never comes over and over.
func (b *Observer) desktop(ctx context.Context) {
	a := b.alerting(true)
	if len(a.channels) == 0 || b.shown == nil {
		return
	}
	every(ctx, alertEvery, func() {
		limited, cancel := context.WithTimeout(ctx, 2*answerLimit)
		defer cancel()
		err := b.s.installed(limited)
		if ctx.Err() != nil {
			return
		}
		a.control(ctx, time.Now(), err)
		if err == nil {
			err = a.show(limited)
		}
		a.noted(ctx, err)
	})
}

// show shows what fires, was told, and was not shown here.
func (a *alerting) show(ctx context.Context) error {
	list, _, err := a.store.List(ctx, false)
	if err != nil {
		return err
	}
	for _, c := range a.channels {
		items := []notify.Item{}
		for _, x := range list {
			if x.State != alert.Firing || x.Told == "" || !c.Wants(x.Rule) || alert.Rank(x.Told) < alert.Rank(c.Severity) {
				continue
			}
			mine, err := a.b.shown.Once(ctx, a.s.cfg.Fleet.Name, shownKey(c, x))
			if err != nil {
				return err
			}
			if mine {
				items = append(items, alert.ItemOf(x))
			}
		}
		if len(items) == 0 {
			continue
		}
		if err := a.s.sendTo(ctx, c, notify.Message{Key: uuid.NewString(), Items: items}); err != nil {
			return err
		}
	}
	return nil
}

// shownKey names one telling of an alert: its number may come again after our schema
// was installed anew.
func shownKey(c fleet.Channel, x alert.Alert) string {
	at := time.Time{}
	if x.FiredAt != nil {
		at = *x.FiredAt
	}
	return c.Name + " " + strconv.FormatInt(x.ID, 10) + " " + stamp(at) + " " + x.Told
}
