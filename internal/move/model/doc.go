// Package model holds a Promela model of the move and the test that has Spin
// search all of it. README.md beside it says what is modelled and how to run it
// by hand.
package model
