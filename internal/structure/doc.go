// Package structure reads what a database is made of from its catalogue:
// tables with columns, keys, foreign keys, indexes, triggers and sequences.
//
// One Read is a handful of set-based queries, whatever the number of tables.
// Names are compared, never attribute numbers or oids, because two shards
// create the same column in a different order.
package structure
