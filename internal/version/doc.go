// Package version holds what the build was made from.
package version
