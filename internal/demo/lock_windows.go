package demo

import "os"

// tryLock grants every lock: the demo's servers do not run here, and starting
// one says so.
func tryLock(*os.File) (bool, error) { return true, nil }
