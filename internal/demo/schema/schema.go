// Package schema holds the reference application's tables for the demo and
// the tests: 78 tables with their keys and indexes, and one materialized view.
// The extension pgcrypto has to be there first.
package schema

import _ "embed"

// PWB is PropertyWebBuilder's schema as of May 2026.
//
//go:embed pwb.sql
var PWB string

// AppGrants lets the role pwb_app read and write every table and sequence of
// the schemas that are there, as an application's role does.
//
//go:embed app_grants.sql
var AppGrants string
