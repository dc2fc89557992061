//go:build desktop

package version

const headless = false
