package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/version"
)

// SignatureHeader holds the signature of a webhook of our own form.
const SignatureHeader = "Shard-Admin-Signature"

// Sign is the signature of a body at a time.
func Sign(secret credential.Secret, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	_, _ = fmt.Fprintf(mac, "%s.", stamp)
	_, _ = mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// post sends a message to a webhook.
func (c Channel) post(ctx context.Context, m Message) error {
	u, err := url.Parse(c.URL.Reveal())
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		// The address itself is not in the message: it is a secret.
		return refused(nil, "keep the whole address: shard-admin fleet credential set "+c.Spec.CredentialName(), "what is kept for the channel %s is not an https address", c.Spec.Name)
	}
	var payload any = m
	if c.Spec.Kind == fleet.ChannelSlack {
		payload = map[string]string{"text": escape("*" + m.Title() + "*\n" + m.Text())}
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the message could not be encoded", "")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return refused(nil, "", "the address of the channel %s cannot be used", c.Spec.Name)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "shard-admin/"+version.Read().Version)
	req.Header.Set("Idempotency-Key", m.Key)
	if c.Spec.Kind == fleet.ChannelWebhook {
		now := time.Now
		if c.Now != nil {
			now = c.Now
		}
		req.Header.Set(SignatureHeader, Sign(c.Secret, now(), body))
	}
	resp, err := c.client().Do(req)
	if err != nil {
		var about *url.Error // names the address
		if errors.As(err, &about) {
			err = about.Err
		}
		return later(0, err, "%s did not answer", u.Hostname())
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	switch code := resp.StatusCode; {
	case code < 300:
		return nil
	case code < 400:
		return refused(nil, "keep the address to which it leads", "%s answers %d: redirects are not followed", u.Hostname(), code)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return later(retryAfter(resp.Header.Get("Retry-After")), nil, "%s answers %d", u.Hostname(), code)
	default:
		return refused(nil, "look at the address and at what the receiver wants", "%s answers %d", u.Hostname(), code)
	}
}

func (c Channel) client() *http.Client {
	if c.Client != nil {
		return c.Client
	}
	return &http.Client{Timeout: sendLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// retryAfter reads seconds or a date; at most a day.
func retryAfter(text string) time.Duration {
	d := time.Duration(0)
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		d = time.Duration(min(n, 24*60*60)) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = time.Until(at)
	}
	return max(0, min(d, 24*time.Hour))
}

// escape keeps a text from holding mentions and links of Slack.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
