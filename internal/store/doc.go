// Package store opens the SQLite file of this computer: the audit mirror,
// samples and preferences. Losing the file loses nothing that cannot be read
// again from a control database.
//
// It is the only package that knows the driver. The file is in WAL mode, every
// transaction begins IMMEDIATE (a reader that later writes would otherwise
// meet SQLITE_BUSY in the middle), and its structure is versioned by embedded
// migrations. The file is readable by its owner alone.
package store
