// Package importer makes a fleet from what an application already has: a Rails
// config/database.yml, or the variables of its environment.
//
// The file is read, never executed. Of ERB it understands what such files
// use: ENV["X"], ENV.fetch("X"), a default as second argument or block, ||, and
// <% if ENV["X"].present? %> … <% end %>. Anything beyond that is refused with
// its line: a guess about a database is worse than a question. Anchors,
// aliases and << merges are resolved as Ruby does it, and an entry of several
// databases, of one database, or with DATABASE_URL beside it is read as Rails
// reads it.
//
// A pg_service.conf is read as libpq reads it: its sections are the databases, one
// of them control.
//
// Values of the environment never pass through the YAML reader. So a password
// may hold any character, and no message can repeat one. Passwords leave in
// Result.Credentials; the fleet holds none.
package importer
