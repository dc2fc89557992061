package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/notify"
)

func message() notify.Message {
	return notify.Message{Key: "k-1", Fleet: "shop", Environment: "production", Items: []notify.Item{{
		ID: 7, Rule: "health.reachable", Shard: "shard_1", Severity: "critical", State: "firing", Message: "does not answer\r\nBcc: eve@example.com <!channel>",
		Since: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
	}}}
}

func hook(kind, url string) notify.Channel {
	return notify.Channel{Spec: fleet.Channel{Name: "hook", Kind: kind}, URL: credential.NewSecret(url), Secret: credential.NewSecret("s3cret")}
}

func TestAWebhookCanBeVerified(t *testing.T) {
	t.Parallel()
	calls := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		calls++
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		parts := strings.Split(r.Header.Get(notify.SignatureHeader), ",")
		mac := hmac.New(sha256.New, []byte("s3cret"))
		mac.Write([]byte(strings.TrimPrefix(parts[0], "t=") + "." + string(body)))
		require.Equal(t, "v1="+hex.EncodeToString(mac.Sum(nil)), parts[1])
		require.Equal(t, "k-1", r.Header.Get("Idempotency-Key"))
		var m notify.Message
		require.NoError(t, json.Unmarshal(body, &m))
		require.Equal(t, message(), m)
	}))
	defer receiver.Close()
	require.NoError(t, hook("webhook", receiver.URL).Send(t.Context(), message()))
	require.Equal(t, 1, calls)
}

func TestSlackGetsTextThatMentionsNobody(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]string
		require.NoError(t, json.NewDecoder(r.Body).Decode(&m))
		require.Contains(t, m["text"], "shard_1")
		require.Contains(t, m["text"], "&lt;!channel&gt;")
		require.Empty(t, r.Header.Get(notify.SignatureHeader))
	}))
	defer receiver.Close()
	require.NoError(t, hook("slack", receiver.URL).Send(t.Context(), message()))
}

func TestWhatAReceiverAnswersIsHeeded(t *testing.T) {
	t.Parallel()
	led := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { led = true }))
	defer other.Close()
	for _, c := range []struct {
		code  int
		after string
		again bool
		wait  time.Duration
	}{
		{500, "", true, 0},
		{503, "120", true, 2 * time.Minute},
		{429, "99999999", true, 24 * time.Hour},
		{429, "-4", true, 0},
		{404, "", false, 0},
		{302, "", false, 0},
	} {
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.after)
			w.Header().Set("Location", other.URL)
			w.WriteHeader(c.code)
		}))
		err := hook("webhook", receiver.URL+"/path-token").Send(t.Context(), message())
		receiver.Close()
		require.Error(t, err)
		require.NotContains(t, err.Error(), "path-token")
		l, again := notify.AsLater(err)
		require.Equal(t, c.again, again, c.code)
		if again {
			require.Equal(t, c.wait, l.After)
		} else {
			require.Equal(t, fault.NotifyRefused, fault.CodeOf(err))
		}
	}
	require.False(t, led, "a redirect was followed")
}

func TestAddressesAreSecretsAndNeedTLS(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://hooks.example.com/T0K3N", "ftp://127.0.0.1/T0K3N", "not an address T0K3N", "", "http://127.0.0.1:1/T0K3N"} {
		err := hook("slack", url).Send(t.Context(), message())
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "T0K3N")
		require.NotContains(t, fault.HintOf(err), "T0K3N")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, again := notify.AsLater(hook("slack", "http://127.0.0.1:1/T0K3N").Send(ctx, message()))
	require.True(t, again)
}

func TestATitleIsOneLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "[shop] critical: shard_1: does not answer Bcc: eve@example.com <!channel>", message().Title())
	require.NotContains(t, message().Text(), "\nBcc:")
}
