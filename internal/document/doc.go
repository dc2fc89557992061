// Package document is the views of a session as other programs read them, on the
// command line with --json and over the monitoring API: what is not known is null
// beside a reason, and never a zero, an empty word or "none". A field of an outer
// struct stands in for the view's own of the same name.
package document
