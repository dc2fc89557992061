// Package demo is a fleet of real PostgreSQL servers on this computer with
// sample tenants, and a guided run through the main job.
//
// # The fleet
//
// Four servers: control, which is also the shard default; shard_1; shard_2;
// demo. A fifth shard is known and not configured. Each has the whole schema of
// the reference application, and sequences of its own. 200 tenants of very
// different size have about 300,000 rows together; every twentieth has ids
// that are taken on another shard as well. Each start of the fleet gives every
// shard's sequences a fresh range, as an application does whose shards number
// apart: rows of tenants that come and go do not collide then.
//
// Programs reach the servers through sockets in folders that only their owner
// may enter, and the servers trust who comes that way: there is no password to
// keep or to leak. The operator and the application are two roles, neither of
// them a superuser; the operator has exactly the rights that fleet check
// prints.
//
// # States
//
//	nothing ─► servers run ─► seeded ─► installed ─► ready
//	                ▲                                  │
//	                └────────── down ◄─────────────────┘
//
// Every step finds out whether it has been done and does the rest, so a run
// that was interrupted goes on where it stopped: a file beside each server's
// data says that its seed is complete. One demo at a time holds the folder's
// lock. Servers are children of the program and end with it, however it ends;
// with --no-window they stay until demo down. Data is kept until demo reset,
// under /var/lib/shard-admin-demo for root and in the user's folder otherwise.
//
// # The guided run
//
// Package traffic plays the application, and keeps a ledger of its writes.
// After the move the ledger is looked up, and every row of the tenant is
// compared on both shards by conditions that are written by hand, so that the
// check does not believe what it checks. Package seed makes the tenants, for
// tests too.
package demo
