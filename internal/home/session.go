package home

import (
	"context"
	"strconv"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// SessionOptions says who works and through which face.
type SessionOptions struct {
	// Email of the operator; empty means the one in the settings.
	Email string
	// Source is cli, window, page or worker.
	Source string
	// Schema is the name of our schema in control where it is another than the file
	// says; the file stays as it is.
	Schema string
}

// Session opens a fleet for work; an empty name means the only one, else the
// current one. Nothing is dialled before it is needed.
func (h *Home) Session(_ context.Context, name string, o SessionOptions) (*session.Session, error) {
	f, err := h.Fleet(name)
	if err != nil {
		return nil, err
	}
	if o.Schema != "" {
		f.Schema = o.Schema
		if _, _, err := accepted(f, h.FleetPath(f.Name)); err != nil {
			return nil, err
		}
	}
	if o.Email == "" {
		if o.Email, err = h.settings.Text(OperatorEmail); err != nil {
			return nil, err
		}
	}
	admins, err := h.settings.Admins()
	if err != nil {
		return nil, err
	}
	threshold, err := h.settings.Text(ImbalanceThreshold)
	if err != nil {
		return nil, err
	}
	imbalance, err := strconv.ParseFloat(threshold, 64)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the threshold of the imbalance is no number", "")
	}
	return session.Open(session.Config{
		Fleet: f, Resolver: h.Resolver(), Credentials: h.Credentials(), Flag: h.settings.Flag, Email: o.Email, Admins: admins, Source: o.Source, DBPath: h.DBPath(), Log: h.Logger(), Env: h.env, Imbalance: imbalance,
	}), nil
}
