package monitor

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"shardadmin/internal/fault"
)

// coded gives what the API's library refuses by itself, such as a limit that is no
// number, a code and a hint like every other error.
func coded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &coding{ResponseWriter: w}
		next.ServeHTTP(c, r)
		if c.status == 0 {
			return
		}
		var p struct {
			Status int    `json:"status"`
			Detail string `json:"detail"`
			Code   string `json:"code"`
			Errors []struct {
				Message  string `json:"message"`
				Location string `json:"location"`
			} `json:"errors"`
		}
		if json.Unmarshal(c.body.Bytes(), &p) != nil || p.Code != "" {
			w.WriteHeader(c.status)
			_, _ = w.Write(c.body.Bytes()) // nobody is left to tell
			return
		}
		said := []string{}
		for _, e := range p.Errors {
			said = append(said, e.Location+": "+e.Message)
		}
		if len(said) == 0 {
			said = append(said, p.Detail)
		}
		w.Header().Del("Content-Length")
		newProblem(http.StatusBadRequest, fault.Usage, strings.Join(said, "; "), "GET "+prefix+"/openapi.json says what may be asked").write(w)
	})
}

// coding holds back refusals and lets everything else through.
type coding struct {
	http.ResponseWriter
	status int // of what is held back
	body   bytes.Buffer
}

func (c *coding) WriteHeader(status int) {
	if status == http.StatusUnprocessableEntity || status == http.StatusBadRequest {
		c.status = status
		return
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *coding) Write(b []byte) (int, error) {
	if c.status != 0 {
		return c.body.Write(b)
	}
	return c.ResponseWriter.Write(b)
}
