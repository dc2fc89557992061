//go:build desktop && !bindings

package window

import "log/slog"

// log leads what Wails says into the log of the program's folder.
type log struct{ to *slog.Logger }

func (l log) Print(message string)   { l.to.Debug(message, "from", "window") }
func (l log) Trace(message string)   { l.to.Debug(message, "from", "window") }
func (l log) Debug(message string)   { l.to.Debug(message, "from", "window") }
func (l log) Info(message string)    { l.to.Info(message, "from", "window") }
func (l log) Warning(message string) { l.to.Warn(message, "from", "window") }
func (l log) Error(message string)   { l.to.Error(message, "from", "window") }

// Fatal does not end the process: Wails calls it where the page sent something
// that it cannot read.
func (l log) Fatal(message string) { l.to.Error(message, "from", "window", "fatal", true) }
