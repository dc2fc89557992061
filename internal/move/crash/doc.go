// Package crash ends the program at a named place, for tests of what a crash
// leaves behind. Without the tag faults it does nothing.
package crash
