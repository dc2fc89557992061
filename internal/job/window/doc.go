// Package window reads maintenance windows and says when they are open.
//
//	sat,sun 22:00-04:00 Europe/Lisbon; mon-fri 01:00-05:00 Europe/Lisbon
//
// A window is open while a clock on the wall of its time zone shows a time in
// it: from the first minute up to, and without, the last. One that ends no
// later than it begins goes on into the next day, and its days are those on
// which it begins. So where the clock is set forward, what it skips does not
// happen; where it is set back, the hour that comes twice counts both times.
package window
