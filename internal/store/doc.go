// Package store opens the SQLite file of this computer: the audit mirror,
// samples and preferences. Losing the file loses no more than preferences and saved
// filters: the rest is read again from the control databases.
//
// It is the only package that knows the driver. The file is in WAL mode, every
// transaction begins IMMEDIATE (a reader that later writes would otherwise
// meet SQLITE_BUSY in the middle), and its structure is versioned by embedded
// migrations. The file is readable by its owner alone.
package store
