//go:build unix

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// question is SQL that a test asks a session of a database, the superuser's unless
// it says whose.
type question struct {
	// Shard of the whole fleet; Database is another one on the same server.
	Shard    string `json:"shard"`
	Database string `json:"database"`
	// Session keeps a connection apart, for a transaction over several
	// questions.
	Session string `json:"session"`
	// Role asks instead of the superuser; it has a session of its own.
	Role string `json:"role"`
	SQL  string `json:"sql"`
	Args []any  `json:"args"`
	// Server stops the shard's server, as who pulls a plug, or starts it again: stop or
	// start.
	Server string `json:"server"`
	// Heard asks for what the webhook of the production fleet was sent.
	Heard bool `json:"heard"`
}

// asked is one kept connection.
type asked struct {
	mu   sync.Mutex
	conn *pgx.Conn
}

// listen answers questions on a loopback address to whoever has the token.
func (w *world) listen(ctx context.Context) (address, token string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	token = rand.Text()
	w.sessions = map[string]*asked{}
	w.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			http.Error(out, "the token is missing", http.StatusUnauthorized)
			return
		}
		var q question
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		rows, err := w.answer(r.Context(), q)
		if err != nil {
			http.Error(out, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(out).Encode(rows)
	})}
	go func() { _ = w.server.Serve(l) }()
	return "http://" + l.Addr().String(), token, nil
}

func (w *world) session(ctx context.Context, q question) (*asked, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := q.Shard + "/" + q.Database + "/" + q.Session + "/" + q.Role
	if a := w.sessions[key]; a != nil && !a.conn.IsClosed() {
		return a, nil
	}
	c, err := pgx.Connect(ctx, w.as(cmp.Or(q.Role, "postgres"), q.Shard, q.Database))
	if err != nil {
		return nil, err
	}
	w.sessions[key] = &asked{conn: c}
	return w.sessions[key], nil
}

// power stops or starts the server of a shard.
func (w *world) power(ctx context.Context, q question) error {
	if q.Server == "start" {
		return w.demo.Start(ctx, func(step string) { w.say("%s", step) })
	}
	a, err := w.session(ctx, q)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var pid int
	if err := a.conn.QueryRow(ctx, "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int").Scan(&pid); err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		return err
	}
	for syscall.Kill(pid, 0) == nil { // it is gone when its socket is
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := a.conn.Config()
	for key, other := range w.sessions { // they went with their server
		if c := other.conn.Config(); c.Host == at.Host && c.Port == at.Port {
			_ = other.conn.Close(ctx)
			delete(w.sessions, key)
		}
	}
	return nil
}

func (w *world) answer(ctx context.Context, q question) ([]map[string]any, error) {
	switch {
	case q.Server != "":
		return []map[string]any{}, w.power(ctx, q)
	case q.Heard:
		w.mu.Lock()
		defer w.mu.Unlock()
		return append([]map[string]any{}, w.heard...), nil
	}
	a, err := w.session(ctx, q)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	rows, err := a.conn.Query(ctx, q.SQL, q.Args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToMap)
	if list == nil {
		list = []map[string]any{}
	}
	return list, err
}

// hear listens where a webhook leads.
func (w *world) hear(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.hook = "http://" + l.Addr().String() + "/told"
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		said := map[string]any{}
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.heard = append(w.heard, said)
	})}
	go func() { _ = server.Serve(l) }()
	w.ends = append(w.ends, func() { _ = server.Close() })
	return nil
}
