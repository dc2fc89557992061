// Package rights says which rights a connected role lacks and the exact
// statement that gives each.
//
// What is printed is minimal: a right that another statement on the list
// already brings is not printed again, so that each of them is needed. Nobody
// has to be a superuser: tables are guarded by a member of the role that owns
// them, figures come from pg_monitor, and the schema of ours needs CREATE on
// the database.
//
// Rights are judged as the server judges them, through inherited membership.
// A role that does not inherit is a member in name only, and the statement
// that is printed changes that.
//
// The system catalogue may be read by everybody, so the answer is complete
// even for a role that was granted nothing.
package rights
