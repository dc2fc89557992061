//go:build desktop && !bindings

package window

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/logger"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	"github.com/wailsapp/wails/v2/pkg/options/mac"
	"github.com/wailsapp/wails/v2/pkg/runtime"

	"shardadmin/app"
	"shardadmin/frontend"
	"shardadmin/internal/fault"
)

// Available reports whether this build has a window.
const Available = true

// parkWithin is how long closing the window waits for work to reach a safe
// point.
const parkWithin = 45 * time.Second

// Run opens the window and returns when it was closed, or soon after ctx ends.
// Work under way parks at its next safe point.
func Run(ctx context.Context, o Options) error {
	if err := display(); err != nil {
		return err
	}
	assets, err := frontend.Assets()
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the page is not in this build", "build again with `make build`")
	}
	if !frontend.Built() {
		return fault.New(fault.Usage, "this binary was built before the page was", "build both with `make build`")
	}
	prepare()

	a := app.New(app.Options{Home: o.Home, Mode: app.Window, Demo: o.Demo, Fleet: o.Fleet, Email: o.Email})
	w := &window{app: a, report: os.Getenv(reportVariable), ended: ctx.Done()}
	err = shown(&options.App{
		Title: "Shard Admin",
		Width: 1440, Height: 900, MinWidth: 1024, MinHeight: 700,
		BackgroundColour:         options.NewRGB(24, 28, 36),
		AssetServer:              &assetserver.Options{Assets: assets, Middleware: policy},
		Menu:                     w.menu(),
		Logger:                   log{o.Home.Logger()},
		LogLevelProduction:       logger.WARNING,
		OnStartup:                func(ctx context.Context) { w.start(ctx) },
		OnDomReady:               func(context.Context) { w.domReady() },
		OnBeforeClose:            func(context.Context) bool { return w.beforeClose() },
		Bind:                     a.Services(),
		ErrorFormatter:           func(err error) any { return app.ProblemText(err) },
		EnableDefaultContextMenu: true,
		Linux:                    &linux.Options{ProgramName: "shard-admin", WebviewGpuPolicy: linux.WebviewGpuPolicyNever},
		Mac:                      &mac.Options{About: &mac.AboutInfo{Title: "Shard Admin", Message: "A control room for tenant-sharded PostgreSQL"}},
	})
	parking, cancel := context.WithTimeout(context.WithoutCancel(ctx), parkWithin)
	defer cancel()
	a.Stop(parking)
	if err != nil {
		if fault.CodeOf(err) == fault.NoDisplay {
			return err
		}
		return fault.Wrap(err, fault.Internal, "the window could not be opened", "run `shard-admin serve` and open the address that it prints")
	}
	return nil
}

const serveHint = "run `shard-admin serve` and open the address that it prints"

// display refuses where GTK would panic.
func display() error {
	if goruntime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return fault.New(fault.NoDisplay, "there is no display to open a window on", serveHint)
	}
	return nil
}

// shown shows the window until it is closed. Where a display is named that does not
// answer, GTK's panic becomes no_display.
func shown(o *options.App) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if text := fmt.Sprint(r); !strings.Contains(text, "GTK") {
			panic(r)
		}
		err = fault.Newf(fault.NoDisplay, serveHint, "the display %s does not let a window be opened", cmp.Or(os.Getenv("DISPLAY"), os.Getenv("WAYLAND_DISPLAY")))
	}()
	return wails.Run(o)
}

// prepare keeps WebKitGTK from drawing a white window with drivers that lie
// about DMABUF. What the person set wins.
func prepare() {
	const variable = "WEBKIT_DISABLE_DMABUF_RENDERER"
	if _, set := os.LookupEnv(variable); goruntime.GOOS == "linux" && !set {
		_ = os.Setenv(variable, "1") // fails only for a name with "=" in it
	}
}

// policy gives the page in the window the same limits as in a browser.
func policy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", frontend.ContentPolicy)
		next.ServeHTTP(w, r)
	})
}

// window is the app's face, and what Wails calls back.
type window struct {
	app    *app.App
	report string
	ended  <-chan struct{}
	ctx    atomic.Pointer[context.Context] // Wails' own; its runtime wants it at every call
	sure   atomic.Bool                     // the person said that it may close
	asking atomic.Bool                     // and is being asked
}

var _ app.Face = (*window)(nil)

func (w *window) start(ctx context.Context) {
	w.ctx.Store(&ctx)
	w.app.Start(w)
	// Who ends the program from outside was asked nothing and is asked nothing.
	go func() {
		<-w.ended
		w.sure.Store(true)
		runtime.Quit(ctx)
	}()
}

func (w *window) domReady() {
	w.app.Ready()
	if w.report != "" {
		w.probe()
	}
}

// Emit sends an event to the page.
func (w *window) Emit(event string, payload any) {
	if ctx := w.ctx.Load(); ctx != nil {
		runtime.EventsEmit(*ctx, event, payload)
	}
}

// Guard keeps a Go panic in a goroutine from ending the process inside
// WebKit's signal handlers.
func (w *window) Guard() { runtime.ResetSignalHandlers() }

// beforeClose asks when moves are under way, and says what goes on.
func (w *window) beforeClose() (stay bool) {
	if w.sure.Load() {
		return false
	}
	moves := w.app.Unfinished()
	if len(moves) == 0 {
		return false
	}
	if !w.asking.CompareAndSwap(false, true) {
		return true // the question is on the screen already
	}
	defer w.asking.Store(false)
	w.Guard()
	answer, err := runtime.MessageDialog(*w.ctx.Load(), runtime.MessageDialogOptions{
		Type: runtime.QuestionDialog, Title: "Close Shard Admin?", Message: closing(moves),
		Buttons: []string{"Yes", "No"}, DefaultButton: "No", CancelButton: "No",
	})
	if err != nil {
		return false
	}
	return answer != "Yes"
}
