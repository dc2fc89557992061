// Package carry brings one side's rows of a tenant up to the other's while the
// tenant writes: forward from the source to the target until the switch, and
// back from the target to the source when a move is rolled back.
//
// # How
//
// The guards of package fence note the key of every row of the tenant that a
// writer touches, in the writer's own transaction. A pass opens a snapshot on
// the side that serves the tenant and reads the notes that it shows: these are
// the rows that differ between this snapshot and the last pass's, no more and,
// with what follows from them, no less. For each the pass asks both sides
// whether the row is there, whose it is by the table map, and what it looks
// like; then one transaction of the other side inserts, changes and deletes.
// When it commits, the other side holds exactly the tenant's rows of the
// snapshot. Only then the notes are removed, by the transactions that wrote
// them: a note whose writer had not committed stays for the next pass.
//
// Rows are carried by state and not replayed by statement. So a pass can be
// repeated, it needs no order among the writers' transactions, a row that was
// changed a hundred times is carried once, and whose row it is is asked of the
// same SQL as everywhere else, where a decoder of the log would have to know it
// again. Values that did not change, generated columns and identities need no
// case of their own.
//
// # What follows from a touched row
//
// Whose a row is may depend on rows that others wrote: a file belongs to whoever
// points at it, a child to its parent. A row's owners that come, go, or point
// elsewhere make it a candidate as well, on either side, until nothing new is
// found. A row that came and went between two passes needs nothing.
//
// # The order of writing
//
// Deletes first, children before parents, then changes and inserts, parents
// before children. Two things can stand in the way of a role that may not leave
// out the checks of foreign keys: a child that went from a parent that is
// deleted to another, and two rows that swapped a unique value. Then the pass is
// taken back to its savepoint and the rows in the way, with everything that
// refers to them, are deleted and inserted anew from the snapshot.
//
// # Where the candidates are kept
//
// Small passes keep them in memory, up to 16 MB of them: some ten thousand rows,
// and never more than a pass that closes a fence should carry. When there are
// more, nothing has been written yet but what the end of the transaction takes
// back: it is rolled back and begun anew on the same snapshot, and this time the
// candidates are filed in temporary tables of the side written to. The source
// needs none: it is only read, and a role without the right to make temporary
// tables does for it.
//
// Both kinds go through the same steps in the same order. Some thousand
// candidates of a table at a time are asked about on both sides, and what
// becomes of each is decided from that alone: what both sides say of it, whether
// it is shared, and what the list of the target says. Nothing that is known of
// one candidate is needed to decide another, so that it can be put away before
// the next is asked about. What needs all of them is left to the servers: that a
// key is filed once, which rows are still to be asked about, which a reference
// takes along. What is deleted, changed and inserted goes as before in one
// statement for each table, in the order below; foreign keys and unique values
// meet the same statements whichever way the candidates are kept, and
// everything is one transaction still. The digests are summed up as the
// candidates are asked about, each once.
//
// So the memory of a pass is bounded by what is asked about at a time, 5,000
// candidates or 4 MB of keys, whatever the tenant has touched. Its temporary
// tables go with the transaction; until then they take some hundred bytes for each
// candidate on the disk of the side written to, besides the rows that are staged.
//
// # What it proves
//
// Before the transaction commits, every candidate is read again on the side
// written to, and has to be there, be the tenant's and look like the one of the
// snapshot, or not be there. The digests of the tables follow the rows in the
// same transaction: after the last pass under the fence they are those of the
// whole tenant on both sides, without reading it again.
//
// # What a crash leaves
//
//	before the commit      nothing; the notes are there, the next pass does the same
//	after it               the notes are there still; the next pass finds the rows equal
//	while removing notes   the same
//
// Temporary tables go with their session, whatever was filed in them: a large
// pass that is cut short leaves what a small one leaves.
//
// Rows of other tenants are never written. A key of the tenant that belongs to
// somebody else on the other side ends the pass with move_blocked, and a row that
// several tenants share and that one side has changed does too.
package carry
