// Package report writes what the audit trail and the record of moves hold, for
// people and for other programs, with a manifest beside each file.
//
// # How a report comes about
//
//	snapshot ─► walk: verify the whole chain, count, sum up ─► document ─► writer ─► file ─► manifest
//	                └─ second pass over the same snapshot: rows, one by one ─┘
//
// One document (cover facts, sections, charts as data, tables whose rows are
// read when they are written) serves HTML, PDF and XLSX. CSV, JSON lines and
// OCSF of events need nothing of the whole before the first row, so they are
// written in the walk itself: what was written is what was verified.
//
// # What a report claims
//
// That it is complete: the chain has no gap, so "N of N events of the period"
// can be counted on one snapshot together with the proof that the chain holds.
// A chain that does not verify is said on the first page and in the manifest;
// the report is written all the same, because it may be evidence of just that.
// Figures of moves come from the record of moves, which no chain protects, and
// the report says so.
//
// # What a crash leaves
//
// Files are written beside their name and renamed when whole. The intent is in
// the trail before anything is read, the outcome with the file's digest after.
//
// # Text
//
// The PDF brings its fonts (Latin, Greek, Cyrillic, Hebrew, Arabic, Han, Kana,
// Hangul, Thai, Devanagari; see fonts/README.md). It orders and joins right-to-left
// text itself. A character that no font has is written as ‹U+0E01›, never left blank.
// The HTML file relies on the reader's fonts and refers to nothing outside itself.
package report
