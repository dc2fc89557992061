// Package purge deletes a tenant's copy from the side that no longer serves
// it: the source's when a move is finalized, the target's when one is undone
// or rolled back.
//
// What is to go is listed first, key by key, in shard_admin_move.owned, and
// only listed rows are deleted. A finalize lists after it has found that the
// source's rows are still those that were verified; anything else stops it
// with nothing deleted. A crash between two batches therefore loses nothing:
// the list says what is left. An undo that is taken up again lists anew, from
// the rows that are left: what is owned goes before its owners.
//
// Foreign keys stay on and children go first, so that no row of anybody is
// taken along by a cascade. Before a batch goes, its rows are locked, and no
// unlisted row may point at them. Of a table that refers to itself, or tables
// that refer to one another, those rows go first to which nothing refers. Rows in
// a circle go together with all that refers to them, in one statement, because
// their keys are checked at its end; a circle that is too much for memory goes
// with all that is left, and which rows these are is read from the list itself.
//
// A batch that took long is followed by a smaller one. Listing takes as long as
// the tenant is large, so that all is done in a session of the move's own, which
// a later owner ends and which the pool's limit does not.
package purge
