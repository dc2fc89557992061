package move

import "shardadmin/internal/move/crash"

// Point is a named place between two effects of a move. A binary built with
// the tag faults ends itself there when SHARD_ADMIN_STOP_AT names it, which is
// how the tests crash a move at every step.
type Point struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	After string `json:"after"`
	// Mode is the one kind of move that passes the point; "" is every move.
	Mode string `json:"mode"`
}

// Points returns the stop points in the order in which a move, a rollback, a
// finalize and a cancel pass them.
func Points() []Point {
	return []Point{
		{"lease_taken", Planned, "the tenant's lease is held", ""},
		{"cleanup_recorded", Planned, "cleanup records are committed, nothing is on a shard", ""},
		{"epoch_bumped", Planned, "both shards know the epoch", ""},
		{"guards_on_source", Planned, "the source's tables are guarded", ""},
		{"guards_installed", Planned, "both shards are guarded", ""},
		{"armed", Planned, "fence rows are there, older transactions may run", ""},
		{"older_gone", Planned, "no older transaction is left", ""},
		{"held", Ready, "the move waits for a person before the fence", ""},
		{"fenced", Copying, "the tenant is read-only on the source", "fenced"},
		{"replaced", Copying, "control and both shards know which values are replaced, of most moves none", "fenced"},
		{"snapshot_exported", Copying, "the snapshot of the copy is open", ""},
		{"root_placed", Copying, "the root row is on the target", ""},
		{"first_table_copied", Copying, "one table is on the target", ""},
		{"copied", Copying, "every table is on the target", ""},
		{"first_pass", Copying, "what was written while copying is on the target, and noted still", "online"},
		{"verified", Copying, "every row was compared", ""},
		{"catching_up", CatchingUp, "the target holds one moment of the source", "online"},
		{"passed", CatchingUp, "what was written since is on the target", "online"},
		{"caught_up", Ready, "the target follows, the tenant still writes", "online"},
		{"switch_fenced", Switching, "the tenant is read-only on the source", "online"},
		{"last_pass", Switching, "the target holds everything", "online"},
		{"digests_stored", Ready, "control holds the digests", "fenced"},
		{"before_committing", Switching, "the last checks passed", ""},
		{"committing", Switching, "the source cannot reopen by itself", ""},
		{"flip_not_committed", Switching, "the flip is written and not committed", ""},
		{"flipped", Switched, "the pointer has moved, no shard knows", ""},
		{"source_moved", Switched, "the source knows", ""},
		{"target_open", Switched, "the tenant writes on the target", ""},
		{"views_refreshed", Switched, "materialized views are fresh", ""},
		{"retained", Retained, "the move is settled", ""},
		{"rollback_begun", RollingBack, "the state says rolling_back", ""},
		{"noting_writes", RollingBack, "the target's guards note each write", "online"},
		{"target_fenced", RollingBack, "the tenant is read-only on the target", ""},
		{"source_brought_up", RollingBack, "the source holds what was written since", ""},
		{"rollback_verified", RollingBack, "both sides are equal", ""},
		{"target_committing", RollingBack, "the target cannot reopen by itself", ""},
		{"flip_back_not_committed", RollingBack, "the flip back is written and not committed", ""},
		{"flipped_back", RollingBack, "the pointer is back, no shard knows", ""},
		{"target_moved", RollingBack, "the target knows", ""},
		{"source_open", RollingBack, "the tenant writes on the source", ""},
		{"target_purged", RollingBack, "the target's copy is gone", ""},
		{"rollback_cleaned", RollingBack, "guards and fences are gone", ""},
		{"finalize_begun", Finalizing, "the state says finalizing", ""},
		{"purge_listed", Finalizing, "the rows to purge are stored", ""},
		{"first_batch_purged", Finalizing, "some rows are gone", ""},
		{"purged", Finalizing, "all listed rows are gone", ""},
		{"finalize_cleaned", Finalizing, "guards and fences are gone", ""},
		{"cancel_begun", Planned, "a cancel was asked for", ""},
		{"source_reopened", Planned, "the tenant writes on the source again", ""},
		{"copy_removed", Planned, "the target's rows are gone", ""},
		{"cancel_cleaned", Planned, "guards and fences are gone", ""},
	}
}

func stopAt(name string) { crash.At(name) }
