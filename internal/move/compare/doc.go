// Package compare proves that two sides hold the same rows, and brings one up
// to the other.
//
// Every row of a table is compared: both servers compute, for each row, its
// key and a hash over all its columns as text, with the settings that change
// text pinned. A large table is cut into chunks by its key. First the sums of a
// chunk are compared, which finds equality; only where they differ are its keys
// and hashes streamed and merged, and then the differing rows are read column
// by column. 1.0 and 1.00 are different.
//
// A Digest keeps the count and two sums of a table, those of its chunks added
// up. Finalize compares them
// again with the source's rows before it deletes any.
package compare
