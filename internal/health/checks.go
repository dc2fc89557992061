package health

// Checks returns every check in the order in which people read them.
func Checks() []Check {
	return []Check{
		reachable(), latency(), writable(),
		connections(), pooler(), blocking(), longTransactions(), idleInTransaction(), longQueries(), horizon(), preparedTransactions(),
		cacheHits(), tempFiles(), deadlocks(), rollbacks(), statements(),
		checksums(), capacity(), vacuum(), bloat(), wraparound(), sequences(), invalidConstraints(),
		invalidIndexes(), foreignKeys(), missingIndexes(), duplicateIndexes(), unusedIndexes(),
		replication(), slots(), archiver(), checkpoints(), wal(), transfers(),
		settings(), extensions(), version(),
	}
}
