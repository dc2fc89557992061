package version

import (
	"runtime"
	"runtime/debug"
)

// Set by the linker; a plain go build leaves them empty.
var version, commit string

// Engine is the version of the move engine. A run made by a newer engine is
// never taken over by an older one.
const Engine = 1

// Info is what `shard-admin version --json` prints.
type Info struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Headless bool   `json:"headless"`
}

// Read returns the build's version, from the linker or from the build
// information that Go embeds.
func Read() Info {
	i := Info{Version: version, Commit: commit, Go: runtime.Version(), Headless: headless}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" && i.Commit == "" && len(s.Value) >= 12 {
				i.Commit = s.Value[:12]
			}
		}
	}
	if i.Version == "" {
		i.Version = "dev"
	}
	if i.Commit == "" {
		i.Commit = "unknown"
	}
	return i
}
