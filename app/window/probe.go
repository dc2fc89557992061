//go:build desktop && !bindings

package window

import (
	"encoding/json"
	"os"

	"github.com/wailsapp/wails/v2/pkg/runtime"
)

// reportVariable names a file. Where it is set, the window writes there what
// the page inside it could do, once; build/test-window reads it.
const reportVariable = "SHARD_ADMIN_WINDOW_REPORT"

// The page calls a binding, asks for an event, waits for it, and then until it
// has drawn itself.
const probe = `(async () => {
  const info = await window.go.app.Shell.Info();
  let refusal = "";
  try { await window.go.app.Shell.UseFleet("no such fleet"); } catch (e) { refusal = String(e); }
  const drawn = () => document.querySelectorAll("#root *").length;
  const until = Date.now() + 20000;
  window.runtime.EventsOnce("ready", function look() {
    if (drawn() < 20 && Date.now() < until) return setTimeout(look, 100);
    window.runtime.EventsEmit("probe:done", JSON.stringify({
      info, refusal, event: "ready", title: document.title, elements: drawn(),
      text: document.body.innerText.slice(0, 2000),
    }));
  });
  window.runtime.EventsEmit("probe:ready");
})().catch(e => window.runtime.EventsEmit("probe:done", JSON.stringify({ error: String(e) })));`

func (w *window) probe() {
	ctx := *w.ctx.Load()
	runtime.EventsOnce(ctx, "probe:ready", func(...any) { w.app.Ready() })
	runtime.EventsOnce(ctx, "probe:done", func(data ...any) {
		text := `{"error":"the page sent nothing"}`
		if len(data) == 1 {
			if s, ok := data[0].(string); ok && json.Valid([]byte(s)) {
				text = s
			}
		}
		// Written whole or not at all: the test waits for the name.
		if err := os.WriteFile(w.report+".part", []byte(text+"\n"), 0o600); err == nil {
			_ = os.Rename(w.report+".part", w.report)
		}
	})
	runtime.WindowExecJS(ctx, probe)
}
