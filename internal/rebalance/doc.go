// Package rebalance says which tenants to move where, and why. It asks nobody: it
// is given shards, tenants and what the operator has declared, and answers with
// plans. What carries a plan out is elsewhere.
//
// # Words
//
// The use of a shard is what its tenants take, as a multiple of what an even spread
// would give it; 1 is even. Where several dimensions count (bytes, rows, load, number
// of tenants) it is the largest of theirs. Shards share by their stated capacity
// where all of them state one, else equally. Only open shards take part: those that
// are drained, pinned, for demo tenants or dedicated, or that hold a tenant whose size
// nobody knows, are neither filled nor counted.
//
// The band is 1 − goal to 1 + goal. Threshold says when anything is done at all,
// goal how far it is then taken; half the threshold, so that a fleet is not at the
// threshold again a day later.
//
// An imbalance is worth a recommendation once it lasted a day: a plan can be made at any
// time, but tenants come and go, and who mends what is gone tomorrow moves for nothing.
// It ends only within the goal, so that a fleet that wavers about the threshold is not
// recommended anew each day. Who keeps the looks of which that is known is elsewhere.
//
// # Objective
//
// First the number of tenants that are where they may not be, then the violation: how
// much, in shares of a mean shard, lies above the band on some shards and below it on
// others. Three plans differ in how they come to that: the most violation per move,
// the most per byte (a move costs a hundredth of a mean shard besides its bytes), and
// the most per move with a goal of one per cent, for the most even one.
//
// # Order, and why
//
// Tenants that have to leave go first, the largest first, because a shard that is
// drained or a tenant in the wrong region is a matter of rule and not of taste. Then
// the search takes the best single move, again and again. Every move improves on its
// own, so whoever stops half-way is never worse off than before: there are no swaps,
// whose first half makes things worse. A tenant is moved once.
//
// # Constraints
//
// A move is possible only where each of these lets it pass: the tenant is not pinned,
// in a move, in its cool-down, of unknown size or oversized; its shard lets tenants go;
// the target is open, answers, is not dedicated to others, takes demo tenants only if
// it is for them, has the tenant's region and labels, has room in number and on disk,
// and holds nobody whom the tenant is to be kept apart from.
//
// The old copy exists until the move is finalized, and until then the tenant can come
// back. So nothing is ever taken as freed: not the bytes on the source, not the place
// in number, not the distance between tenants kept apart. Constraints therefore hold
// after any part of a plan, in any order, and after any of its moves was rolled back.
//
// # Oversized tenants
//
// One that is larger than the band's end, with the mean taken without it, can be
// balanced by no plan. It is named, not moved, and left out of the mean with the shard
// that it fills, which others may fill as well; what it needs is a shard of its own.
package rebalance
