// Package rowcopy carries a tenant's rows from a snapshot of the source to the
// target as raw COPY streams: bytes go from one server to the other without
// being decoded.
//
// Columns go by name, generated ones stay behind, identity values are kept.
// Where the role may set session_replication_role the foreign keys are not
// checked row by row and give no order; the keys are audited afterwards. A plain
// role fills parents before children. Under either role a table whose rows only
// their owners tell to be the tenant's waits for all of its owners: a copy may
// end at any moment, and what it leaves is found through them. Of the tables
// that may go, the largest goes first. A table that refers to itself passes in any order, because a
// foreign key is checked when its statement ends; tables whose keys or owners form
// a cycle are filled in one transaction and need deferrable keys, which the plan
// checks.
//
// Large tables are cut into parts, and several streams carry them. Where the
// tenant does not wait for the copy, a Governor watches both servers and lets the
// streams rest, and fewer of them work, while others feel the copy; then the rows of
// a part go to the target by small pieces, each a statement.
//
// Every transaction on the target reads the epoch first. The commit is
// asynchronous, which is safe: the rows are verified before the flip, and a
// crash of the target before that undoes the move.
package rowcopy
