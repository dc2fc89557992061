// Package renumber gives a tenant's rows other ids, and other unique values,
// where theirs are taken on the shard to which they go.
//
// # Why
//
// Two shards with sequences of their own hand out the same ids. A row whose id
// is somebody else's on the target cannot keep it, and every reference to the
// row has to follow: foreign keys, soft and polymorphic references, and those by
// which a row is owned backwards. A unique value, such as an e-mail address, is
// the same case with a text in place of a number.
//
// # How
//
// Nothing is changed on the source. A list of replacements says which value of
// which column has which value on the other shard, and is kept in three places:
// in control, where it stays with the move for whoever looks for an old id, and
// on both shards, in shard_admin_move.replaced, while the move is open.
//
// A Lens reads the rows of one side as the other side has them: in the column
// itself and in every column that refers to it, by whatever way, values on the
// list are exchanged. Copying, comparing, the digests for finalize and the way
// back read through it. There is no statement that changes an id, and hence none
// that can miss a reference that the comparison would not miss as well: what the
// lens shows is what the target must hold, row by row.
//
// Values that are not on the list stay, also those that a later row of the
// source happens to share with somebody on the target: the list is found under
// the fence, when no such row can come any more. That is why a move that gives
// new ids is a fenced one.
//
// # The way back
//
// A rollback reads the target through the same list the other way round, so that
// every row has its old id again. A row that the tenant wrote on the target since
// may have an id that the source has given away meanwhile, or one that the move
// took away from the tenant's own row; it gets a new one from the source's
// sequence, and a line of its own on the list.
//
// # What a crash leaves
//
// The list is stored in control first and then on the shards, before a row is
// copied. A copy that begins again throws it away and finds it anew: ids that a
// sequence has handed out are not handed out again, they are lost. A rollback
// that begins again keeps the list and finds what it lacks.
//
// # What it does not do
//
// Ids outside of declared columns keep their old value: in URLs, in signed ids of
// uploads, in caches, in text and in JSON. The plan says so. A row to which the
// tenant's own row in the catalogue refers cannot be renumbered, because that row
// is read on both shards.
package renumber
