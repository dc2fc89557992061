// Package history keeps what was measured of a fleet, in the local SQLite file.
//
// # Tiers
//
// A value is kept as it came for two days. From it come buckets of five minutes,
// kept for two weeks, from these buckets of an hour, kept for ninety days, and
// from these buckets of a day, kept for two years. A bucket holds how many values
// it stands for, the least, the most and their sum, so that a peak stays a peak
// and an average of averages is right.
//
// # Order
//
// Add writes values in one transaction. Roll makes the buckets that have ended,
// notes up to when they are made and deletes what is older than its tier keeps,
// all in one transaction as well. A bucket is made once, a minute after its end,
// from the tier below; a value that comes later than that is kept as it came and
// is in no bucket.
//
// # One keeps
//
// Several programs of a computer share the file. Of each fleet one keeps the samples:
// who holds its lease, which lasts half a minute and is renewed meanwhile. Every write
// under the lease says in its own transaction that the lease is held, so a program that
// slept through its lease writes nothing beside its successor.
//
// # What a crash leaves
//
// A lease that runs out by itself. What Add and Roll write is there as a whole or not
// at all. What was not rolled up is rolled up by the next Roll, by whichever process:
// two that work on the same file make the same buckets.
//
// # Reading
//
// Range answers with the coarsest tier that still covers the period and makes about as
// many points as were asked for, several buckets of it together where it makes more.
// Buckets that have not ended are made from
// the tiers below when they are read, so that a chart has its last minutes in every
// tier. Nothing is drawn where nothing was measured: a shard that did not answer
// leaves a gap, not a zero.
package history
