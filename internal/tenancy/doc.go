// Package tenancy knows which row belongs to which tenant.
//
// # The table map
//
// A Map is made from a database's structure and a Profile, which says what the
// catalogue cannot know. Every table gets a kind:
//
//	root                the tenants table
//	tenant              has a column that names the tenant
//	child               reaches a tenant's row by a foreign key
//	declared            reaches one by a reference that only the profile knows
//	owned_by_reference  belongs to whoever points at it
//	reference           the same on every shard
//	control             stays in the control database
//	excluded            belongs to each database itself
//	unclassified        nobody has said; a move is refused until somebody does
//
// # Whose row is it
//
// Ownership is per row. A tenant column that is not null decides alone.
// Otherwise a row belongs to the owners of the rows that it refers to, and, in
// a table owned by reference, to the owners of the rows that refer to it. A
// row may so have no owner or two; the plan of a move counts both.
//
// Edges may form cycles (a blob belongs to an attachment, a variant to a blob,
// an attachment to a variant). Tables of such a cycle share a recursive
// closure; all others are nested conditions that indexes can serve.
//
// Owned gives the condition "row t belongs to tenant x"; Owners gives the set
// of owners of one row, also of a row in a trigger that is not in its table
// yet. A property test compares both with a plain reading of the rules above
// over random schemas.
package tenancy
