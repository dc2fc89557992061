// Package install makes, upgrades and removes the schema of ours in the
// control database.
//
// Versions are embedded SQL migrations, applied by goose with its own version
// table inside the schema. The schema's name can be chosen; the statements
// carry a mark that is replaced by the quoted name. A program that meets a
// newer schema may look and refuses to change anything, naming both versions.
//
// Script gives the same as plain SQL for a database administrator to run.
package install
