package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"reflect"
	"runtime/debug"

	"shardadmin/app"
	"shardadmin/internal/fault"
)

// mostBytes bounds a call's arguments: a database.yml is the biggest.
const mostBytes = 1 << 20

// calls dispatches to the methods of the bound structs.
type calls struct {
	methods map[string]reflect.Value // "Service/Method"
	log     *slog.Logger
}

func newCalls(services []any, log *slog.Logger) (*calls, error) {
	c := &calls{methods: map[string]reflect.Value{}, log: log}
	failed := reflect.TypeFor[error]()
	for _, s := range services {
		v := reflect.ValueOf(s)
		name := v.Elem().Type().Name()
		for i := range v.NumMethod() {
			m := v.Type().Method(i)
			// The window understands no other forms either.
			if n := m.Type.NumOut(); n < 1 || n > 2 || m.Type.Out(n-1) != failed {
				return nil, fault.Newf(fault.Internal, "", "%s.%s returns neither a result and an error nor an error", name, m.Name)
			}
			c.methods[name+"/"+m.Name] = v.Method(i)
		}
	}
	return c, nil
}

func (c *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("service") + "/" + r.PathValue("method")
	method, ok := c.methods[name]
	if !ok {
		write(w, http.StatusNotFound, fault.Newf(fault.NotFound, "reload the page", "there is no method %s", name))
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		write(w, http.StatusUnsupportedMediaType, fault.New(fault.Usage, "arguments are a JSON array", "send Content-Type: application/json"))
		return
	}
	args, err := arguments(method.Type(), http.MaxBytesReader(w, r.Body, mostBytes))
	if err != nil {
		status := http.StatusBadRequest
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			status = http.StatusRequestEntityTooLarge
			err = fault.Newf(fault.Usage, "send less", "the arguments have more than %d bytes", mostBytes)
		}
		write(w, status, err)
		return
	}
	result, err := c.call(name, method, args)
	if err != nil {
		write(w, status(err), err)
		return
	}
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(result); err != nil {
		c.log.Error("a result has no JSON", "method", name, "error", err)
		write(w, http.StatusInternalServerError, fault.New(fault.Internal, "the answer could not be written as JSON", "the log has the details"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text.Bytes()) // nobody is left to tell
}

// call calls a method; a panic is an error.
func (c *calls) call(name string, method reflect.Value, args []reflect.Value) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("panic", "in", name, "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "something failed that this program did not foresee", "the log in the program's folder has the details")
		}
	}()
	out := method.Call(args)
	if e := out[len(out)-1]; !e.IsNil() {
		err, _ = e.Interface().(error)
		return nil, err
	}
	if len(out) == 2 {
		result = out[0].Interface()
	}
	return result, nil
}

// arguments reads a JSON array into what the method takes.
func arguments(method reflect.Type, body io.Reader) ([]reflect.Value, error) {
	const hint = "reload the page; if that does not help, it does not belong to this program"
	var raw []json.RawMessage
	d := json.NewDecoder(body)
	if err := d.Decode(&raw); err != nil {
		return nil, fault.Wrap(err, fault.Usage, "the arguments are no JSON array", hint)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Usage, "there is something after the arguments", hint)
	}
	if len(raw) != method.NumIn() {
		return nil, fault.Newf(fault.Usage, hint, "the method takes %d arguments, not %d", method.NumIn(), len(raw))
	}
	args := make([]reflect.Value, len(raw))
	for i, text := range raw {
		v := reflect.New(method.In(i))
		if err := json.Unmarshal(text, v.Interface()); err != nil {
			return nil, fault.Wrapf(err, fault.Usage, hint, "argument %d is not what the method takes", i+1)
		}
		args[i] = v.Elem()
	}
	return args, nil
}

// status is the HTTP status of an error; the page goes by the code.
func status(err error) int {
	switch fault.Exit(err) {
	case 2:
		return http.StatusBadRequest
	case 3:
		return http.StatusConflict
	case 5:
		return http.StatusBadGateway
	default:
		return http.StatusInternalServerError
	}
}

// write answers with an error as the page understands it.
func write(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, app.ProblemText(err)) // nobody is left to tell
}
