package cli

import (
	"context"
	"io"
	"log/slog"
	"time"

	"shardadmin/internal/credential"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

// Faces are the other ways to look at a fleet. What this build does not have
// is nil.
type Faces struct {
	// Window opens the desktop window and returns when it is closed.
	Window func(ctx context.Context, h *home.Home, o WindowOptions) error
	// Serve shows the page on a loopback address until the context ends.
	Serve func(ctx context.Context, h *home.Home, o ServeOptions) error
	// Monitor serves API and metrics of an open fleet until the context ends.
	Monitor func(ctx context.Context, s *session.Session, o MonitorOptions) error
	// Demo runs the demo fleet.
	Demo Demo
}

// MonitorOptions says where API and metrics are served.
type MonitorOptions struct {
	// Listen is an address; one that is not loopback needs Cert and Key, PEM files.
	Listen, Cert, Key string
	// Hosts are the names by which the server is reached.
	Hosts []string
	Token credential.Secret
	// Full is how often what reads every table is asked.
	Full time.Duration
	Log  *slog.Logger
	// Ready is called once, with the address of the API.
	Ready func(url string)
}

// WindowOptions says what the window shows first.
type WindowOptions struct {
	// Fleet to open; empty means the only one, else the current one.
	Fleet string
	// Email of the operator; empty means the one in the settings.
	Email string
}

// ServeOptions says where the page is shown.
type ServeOptions struct {
	// Listen is a loopback address; port 0 takes a free one.
	Listen string
	// Fleet to open; empty means the only one, else the current one.
	Fleet string
	// Email of the operator; empty means the one in the settings.
	Email string
	// Ready is called once, with the address to open in a browser.
	Ready func(url string)
}

// Demo is a local fleet of real servers with sample tenants.
type Demo interface {
	// Run makes the fleet where it is missing, goes through the guided move and
	// opens window or page.
	Run(ctx context.Context, o DemoOptions) error
	// Status says what runs.
	Status(ctx context.Context) (DemoStatus, error)
	// Reset removes the fleet's data, so that the next run starts anew.
	Reset(ctx context.Context) error
	// Down stops the servers and keeps their data.
	Down(ctx context.Context) error
}

// DemoOptions says how the demo runs.
type DemoOptions struct {
	// Web opens the page where a window could be opened.
	Web bool
	// NoWindow opens nothing: servers stay up, the program ends.
	NoWindow bool
	// Exit ends after the guided move, with an error if anything was not as
	// promised.
	Exit bool
	// JSON keeps Stdout for one document: the guided run goes to Stderr.
	JSON           bool
	Stdout, Stderr io.Writer
	// OpenWindow is nil in a build without a window.
	OpenWindow func(ctx context.Context, h *home.Home) error
	// OpenPage shows the page and prints its address.
	OpenPage func(ctx context.Context, h *home.Home) error
}

// DemoStatus is what there is of the demo fleet.
type DemoStatus struct {
	Running bool         `json:"running"`
	Fleet   string       `json:"fleet"`
	Servers []DemoServer `json:"servers"`
}

// DemoServer is one server of the demo fleet.
type DemoServer struct {
	Name string `json:"name"`
	// Port is null, with a reason, of a server that is stopped.
	Port       *int   `json:"port"`
	PortReason string `json:"port_reason,omitempty"`
	Running    bool   `json:"running"`
	Database   string `json:"database"`
}
