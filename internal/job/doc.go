// Package job holds leases and runs in the control database.
//
// # Leases
//
// A lease gives one holder a resource until the database's clock passes its
// end. Each change of owner raises the epoch, and every write that matters
// carries the epoch: whoever slept through the end of a lease writes nothing.
// The holder itself trusts a lease only for TTL − 10 s from the moment at
// which the last successful renewal was sent; then the lease's context ends.
// Wall clock and monotonic clock both count, because one of them stops while
// a machine sleeps and the other may be set.
//
// # Runs
//
//	queued ─► running ─► done | failed | parked
//	   ▲         │
//	   └─────────┘ the worker died, or stopped
//
// Any number of workers share the queue. Claiming is one short transaction
// (SKIP LOCKED under a lock of the queue, so that its rules hold for all of
// them: limits per shard and per fleet, a pause, maintenance windows). A run that
// somebody has begun waits for neither pause nor window any more. A run whose
// worker stopped sending heartbeats is queued again, and so is one that stands in
// the name of a live worker that does not carry it out, because the answer to its
// claim or to its end was lost; the lease, not the run's
// row, is what keeps two owners apart. A worker that may take nothing, because a newer
// version has upgraded the schema meanwhile, brings what it has begun to its end and
// stands still.
package job
