package alert

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/notify"
)

// Patience is for how long a message is tried.
const Patience = 24 * time.Hour

// A claim lasts longer than a try; a message is tried at first after firstDelay and
// never more seldom than each lastDelay.
const (
	claimTime  = time.Minute
	firstDelay = 5 * time.Second
	lastDelay  = 30 * time.Minute
)

// Notice is a message that waits, claimed by the caller.
type Notice struct {
	ID       int64
	Key      string
	Channel  string
	Items    []notify.Item
	Digest   bool
	Attempts int
	Created  time.Time
}

// Claim takes a message that is due for one of the channels; nil where there is none.
func (s *Store) Claim(ctx context.Context, channels []string) (*Notice, error) {
	pool, err := s.control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	n, items := Notice{}, ""
	err = pool.QueryRow(ctx, s.sql("claim"), channels, claimTime.Seconds()).Scan(&n.ID, &n.Key, &n.Channel, &items, &n.Digest, &n.Attempts, &n.Created)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.fault(err)
	}
	if err := json.Unmarshal([]byte(items), &n.Items); err != nil {
		return nil, s.Mark(ctx, n, fault.Wrap(err, fault.NotifyRefused, "a newer version has written the message", ""))
	}
	return &n, nil
}

// Mark says how sending a claimed message ended: it is sent, tried again, or given up.
func (s *Store) Mark(ctx context.Context, n Notice, sending error) error {
	// What was sent was sent: the mark is written although the caller ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	pool, err := s.control.Pool(ctx)
	if err != nil {
		return err
	}
	if sending == nil {
		_, err = pool.Exec(ctx, s.sql(`UPDATE {{schema}}.notice SET sent_at = clock_timestamp(), claimed_until = NULL, error = '' WHERE id = $1 AND sent_at IS NULL`), n.ID)
		return s.fault(err)
	}
	text := "the message could not be sent"
	if f := fault.As(sending); f != nil {
		text = credential.Scrub(f.Message)
	}
	l, again := notify.AsLater(sending)
	if !again {
		_, err = pool.Exec(ctx, s.sql(`UPDATE {{schema}}.notice SET failed_at = clock_timestamp(), claimed_until = NULL, error = $2 WHERE id = $1 AND sent_at IS NULL`), n.ID, text)
		return s.fault(err)
	}
	_, err = pool.Exec(ctx, s.sql("again"), n.ID, text, Delay(n.Attempts, l.After).Seconds(), Patience.Seconds())
	return s.fault(err)
}

// Delay is how long a message waits after its nth try; what the receiver says is the
// least.
func Delay(attempts int, said time.Duration) time.Duration {
	d := lastDelay
	if attempts < 10 {
		d = min(lastDelay, firstDelay<<max(0, attempts-1))
	}
	return max(d, said)
}

// Trouble is a channel's last failure that no success came after.
type Trouble struct {
	Channel, Error string
	Waiting        int
	SentAt         *time.Time
}

// Channels says of each channel that had a message how it goes.
func (s *Store) Channels(ctx context.Context) ([]Trouble, error) {
	pool, err := s.control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, s.sql("channels"))
	if err != nil {
		return nil, s.fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Trouble])
	return list, s.fault(err)
}
