package app

import (
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strings"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// Problem describes an error as the page shows it. An error that nobody
// described is not repeated, because nobody checked what is in it.
func Problem(err error) session.Problem {
	p := described(err)
	p.Safe = fault.Safe(err)
	var o onlyLooked
	if !fault.NothingChanged(err) && errors.As(err, &o) {
		p.Safe = session.Looked
	}
	return p
}

func described(err error) session.Problem {
	if f := fault.As(err); f != nil {
		return session.Problem{Code: string(f.Code), Message: f.Message, Hint: f.Hint}
	}
	switch code := fault.CodeOf(err); code {
	case fault.Cancelled:
		return session.Problem{Code: string(code), Message: "this was cancelled", Hint: ""}
	case fault.TimedOut:
		return session.Problem{Code: string(code), Message: "this took longer than its limit", Hint: "try again; `shard-admin fleet check` says which databases answer"}
	default:
		return session.Problem{Code: string(fault.Internal), Message: "something failed that this program did not foresee", Hint: "the log in the program's folder has the details"}
	}
}

// onlyLooked is the error of a call that changes nothing.
type onlyLooked struct{ error }

func (o onlyLooked) Unwrap() error { return o.error }

// looked marks the error of a call that changes nothing.
func looked(err error) error {
	if err == nil {
		return nil
	}
	return onlyLooked{err}
}

// ProblemText is an error as JSON text: {"code","message","hint","safe","grants"}.
// The window and the loopback page reject a call with it.
func ProblemText(err error) string {
	p := Problem(err)
	text, err := json.Marshal(struct {
		session.Problem
		Grants []string `json:"grants"`
	}{p, grants(p)})
	if err != nil { // strings always marshal
		panic(err)
	}
	return string(text)
}

// grants are the statements of a hint that give the rights which are missing, each to
// be copied; a database's name stands before one where they are for several.
func grants(p session.Problem) []string {
	out := []string{}
	if p.Code != string(fault.RightMissing) {
		return out
	}
	for _, part := range strings.Split(p.Hint, "; ") {
		database, statement, _ := strings.Cut(part, "GRANT ")
		if statement == "" || database != "" && !strings.HasSuffix(database, ": ") {
			continue
		}
		statement = "GRANT " + strings.TrimSuffix(statement, ";") + ";"
		if database = strings.TrimSuffix(database, ": "); database != "" && !strings.Contains(database, " ") {
			statement += " -- on " + database
		}
		out = append(out, statement)
	}
	return out
}

// logged writes an error that nobody described to the log.
func logged(log *slog.Logger, what string, err error) {
	if err != nil && fault.CodeOf(err) == fault.Internal {
		log.Error(what, "error", err)
	}
}

// complete replaces nil lists and maps by empty ones, at any depth, so that
// the page never meets null where it was promised a list.
func complete(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			complete(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				complete(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			complete(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
	default:
	}
}
