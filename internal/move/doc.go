// Package move is the state machine that takes one tenant's rows from one
// shard to another and, until the move is finished, back.
//
// # Words
//
// Source and target are the two shards. Control is the control database; it
// may be the same database as either. The open side is where the tenant may
// write. The flip is the one transaction in control that changes the pointer,
// the move's state and the audit trail together. A guard is the trigger on a
// tenant's table; the fence is the tenant's row in shard_admin_move.fence with
// its advisory lock (package fence).
//
// # States
//
//	planned ─► copying ─► ready ─► switching ─► switched ─► retained ─► finalizing ─► finalized
//	   │          │         │          │                        │
//	   └──────────┴────┬────┴──────────┘                        └─► rolling_back ─► rolled_back
//	                   ▼
//	            failed, cancelled
//
// The state is a column of shard_admin.move in control and changes only under
// the lease of the tenant, whose epoch every change carries. Nothing else
// decides: a shard is read to find out what has to be done, never to find out
// what is true.
//
// A fenced move has no catching_up. From catching_up, ready and switching a
// failed online move goes back to catching_up and keeps what it has copied.
//
// # Order of a fenced move, and why
//
//  1. planned. The lease is taken, its epoch is written to both shards after
//     the backends of an older epoch were ended, so that nobody who lost the
//     lease can still write there. Before the schema, the guards or a row are
//     made on a shard, a cleanup record for them is committed in control:
//     what a crash leaves can always be found. Guards go in one table at a
//     time; the fence row is armed on the source and incoming on the target.
//     Transactions older than the arming may not see the fence row, so they
//     are waited for (60 s), else everything is taken down again.
//     With hold, the run stops here in the state ready: the tenant still
//     writes and nothing was copied.
//  2. copying. The fence closes: the advisory lock first, then the row, in one
//     short transaction. From here the tenant reads on the source and writes
//     nowhere, for no longer than the limit that the source's own clock
//     judges. Where the plan says that rows get new ids, those that are taken
//     on the target are found now (package renumber), and whatever reads the
//     source from here on sees them. One exported snapshot; all tables; the target's rows are
//     invisible to the application because the pointer has not moved.
//     Verified row by row on both sides, the digests are kept for finalize. The
//     target's materialized views are refreshed in at most half of the time that
//     the fence has left.
//  3. ready. Everything is verified and the fence is still closed.
//  4. switching. Guards, structure and the limit are checked once more, then
//     the source goes to committing under the exclusive lock while the limit
//     has not passed: from here it cannot reopen by itself. The flip follows
//     within milliseconds.
//  5. switched. Source moved, target open: the write pause ends. Fresh rows
//     without an owner that came in meanwhile are copied; views are refreshed,
//     the target's where they are not fresh yet. One that cannot be is a warning of
//     the move with the statement that makes it fresh.
//  6. retained. Both sides are kept; the guards on the target stay, the source
//     refuses the tenant's writes and counts them.
//  7. finalizing. Only rows whose digest is that of the verification are
//     purged from the source. finalized: guards, fence, schema are gone.
//
// rolling_back looks first whether guards and the structure of the tenant's tables
// are the same on both sides, be it a newer one than the move was planned with. It
// fences the target, compares it with the source by key and
// brings to the source what was inserted, changed or deleted since the switch,
// verifies, flips the pointer back, then purges the target's copy; its guards
// stay until nobody goes the old way any more. A row that
// came since and whose key the source has given to somebody else stops it: the
// target opens again and the move is retained, with the reason.
//
// # Order of an online move, and what differs
//
// The tenant writes until the switch. Its guards note the key of every row that
// it touches, from the arming on, and the notes are carried over in passes
// (package carry): after each pass the target holds exactly the tenant's rows of
// one snapshot of the source.
//
//  1. planned. The same; the fence rows say that the guards note.
//  2. copying. No fence. One exported snapshot, all tables, slowly while others
//     are at work on either shard and feel it; then the first pass brings what was
//     written meanwhile, and while its snapshot is open every row is compared on
//     both sides at that moment. Its digests are kept on the target and change
//     with the rows of each further pass.
//  3. catching_up. Passes until one is quick (100 ms), so that the last one under
//     the fence will be; sequences and views are brought up before it, because
//     they take longer than the rows.
//  4. ready. The target follows. With hold, the run ends here; the guards go on
//     noting, and a switch begins with passes again.
//  5. switching. The fence closes, the last pass carries the rest and checks row
//     by row what it carried; only tables that got rows raise their sequences.
//     Then guards, structure, marker, committing and flip as in a fenced move.
//  6. switched, retained. The digests that were carried along become those of the
//     move, and the source, closed for good, is compared with them as a whole: a
//     row that somebody wrote past the guards is found here and named. The
//     target's guards note from the flip on.
//
// Where the comparison finds rows that differ, the move fails with each of them in
// its log. A resume copies everything anew; with repair it compares again, notes the
// rows that differ as if the tenant had just written them, and goes on as from the
// first pass (state copying, step verifying; what a crash leaves there is undone).
//
// A rollback carries the notes of the target back, while the tenant writes and
// then under the fence, after it has found the source to be what it was at the
// switch. Where it is not, or nothing was noted, everything is compared under the
// fence as for a fenced move, and for as long as one may: the way back never hangs on
// the notes alone, nor on the time that a switch takes.
//
// Where a guard is found missing, what was written meanwhile was not noted, and nobody
// relies on the notes any more: before the switch the run leaves step undoing, so that
// a resume copies anew; for a rollback the target's guards stop noting, so that the next
// one compares everything.
//
// # How long a statement may take
//
// A pool ends a statement after 30 s. What takes as long as the tenant is large has
// limits of its own (conn.Allow, fence.Session): counting and looking for collisions
// 10 min each, the rest none where no fence is closed. Under a fence each statement
// ends with the fence's time at the latest, on the server as well.
//
// Why notes and not the server's log: a slot needs wal_level = logical, the right
// of replication and a replica identity for each table, keeps the log of the whole
// server while a laptop sleeps, and is lost in a failover. The guards are there
// anyway, know the owner of the row, and a note lives and dies with the write it
// is of.
//
// # What each crash leaves, and what recovery does
//
// Recovery takes the lease first: with the new epoch an old owner's flip and
// its batches fail. It writes the epoch to the move, so that an older owner
// changes no state behind it. Then it asks control for the state, reads both shards,
// and only then writes.
//
//	state in control        found on the shards           recovery
//	planned                 some guards, armed            taken down by the cleanup records; starts again or cancel
//	ready (held)            armed                         goes on, or cancel
//	copying, ready          fenced, rows on the target    source reopened, target's rows removed; starts again or cancel
//	switching, not flipped  fenced or committing          source reopened, target's rows removed; starts again or cancel
//	… of an online move     fenced or committing          source reopened; back to catching_up, or cancel
//	catching_up, ready      armed, notes, rows there      goes on from the notes, or cancel
//	… with step undoing     some rows there               target's rows removed; starts again or cancel
//	switched                committing or moved           forward: source moved, target open, retained
//	retained                moved / open                  nothing to do
//	rolling_back, before    target fenced or committing   target reopened; resume compares again, a failure goes back to retained
//	rolling_back, after     source moved or open          forward: source open, target closed and purged
//	finalizing              partly purged                 goes on; the list of rows to purge was stored first
//
// A run that fails before the flip reopens the source, takes nothing else
// down and waits in failed for resume or cancel. When the source cannot be
// reached, the limit of the fence reopens it without us.
//
// # Batches
//
// Moves that were queued together as one plan carry its name. When one of them failed,
// was cancelled or went back, each that has not begun finds that when its turn comes,
// and is cancelled: what it was queued for is no more.
//
// A commit of the flip whose answer was lost is unknown: control is read
// again, until it answers, before anything is done to a shard.
package move
