package health

// Pair is where a warning begins and where it becomes critical; a zero is no
// limit.
type Pair struct{ Warning, Critical float64 }

// Limits are where checks begin to speak. Shares are 0 to 1, times seconds,
// sizes bytes.
type Limits struct {
	Latency           Pair    // seconds of a trivial statement
	Connections       Pair    // share of those that applications may have
	PoolerWait        Pair    // seconds that a client of a pooler waits for the server
	LongTransaction   Pair    // seconds
	IdleInTransaction Pair    // seconds
	IdleShare         float64 // of the server's own limit for such sessions
	LongQuery         Pair    // seconds
	Blocking          Pair    // seconds that the longest victim has waited
	Victims           float64 // critical from so many at once
	Horizon           Pair    // transactions since the oldest snapshot
	Prepared          Pair    // seconds
	CacheHits         float64 // share below which
	CacheReads        float64 // and reads a second above which it warns
	TempBytes         Pair    // a minute
	Deadlocks         Pair    // a minute
	Rollbacks         Pair    // share
	RollbackLeast     float64 // of at least so many transactions
	Requested         float64 // share of checkpoints
	RequestedLeast    float64 // of at least so many
	IOBytes           float64 // a second, read and written, from which it says so
	WALBytes          Pair    // a second
	Capacity          Pair    // share
	StatementShare    float64 // of the time of all statements
	StatementBusy     float64 // seconds of statements a second from which a share means something
	Dealloc           float64 // shortest hours in which all statements may be displaced
	DeadRows          Pair    // times the table's own trigger
	DeadLeast         float64 // rows below which nothing is said
	BloatShare        Pair
	BloatBytes        Pair
	Freeze            Pair // times the table's own freeze age
	Sequence          Pair // share of what the sequence and its column can hold
	UnusedDays        float64
	UnusedBytes       float64 // smaller indexes are not worth a word
	SeqScanShare      float64 // of a table's scans
	SeqScanRows       float64 // of at least so many rows
	ReplicationDelay  Pair    // seconds
	ReplicationBytes  Pair
	SlotBytes         Pair    // WAL that is kept
	SlotLeft          float64 // share of max_slot_wal_keep_size
	ArchiveFailed     Pair    // seconds since; the younger the worse
	EndOfLifeDays     float64 // before the end of support
	FullDays          Pair    // days until the capacity is reached at the soonest
}

const (
	kB = 1 << 10
	mB = 1 << 20
	gB = 1 << 30
)

// Defaults are the limits where the operator has set none.
func Defaults() Limits {
	return Limits{
		Latency: Pair{0.25, 1}, Connections: Pair{0.75, 0.9}, PoolerWait: Pair{1, 10}, LongTransaction: Pair{300, 1800}, IdleInTransaction: Pair{60, 300}, IdleShare: 0.5,
		LongQuery: Pair{60, 600}, Blocking: Pair{30, 300}, Victims: 5, Horizon: Pair{1e6, 1e7}, Prepared: Pair{300, 1800},
		CacheHits: 0.95, CacheReads: 1000, TempBytes: Pair{100 * mB, gB}, Deadlocks: Pair{0.001, 5}, Rollbacks: Pair{0.05, 0.2}, RollbackLeast: 100,
		Requested: 0.5, RequestedLeast: 2, IOBytes: 100 * mB, WALBytes: Pair{50 * mB, 200 * mB}, Capacity: Pair{0.75, 0.9},
		StatementShare: 0.5, StatementBusy: 0.5, Dealloc: 48, DeadRows: Pair{2, 10}, DeadLeast: 1000,
		BloatShare: Pair{0.5, 0.7}, BloatBytes: Pair{gB, 5 * gB}, Freeze: Pair{2, 4}, Sequence: Pair{0.7, 0.9},
		UnusedDays: 35, UnusedBytes: 32 * kB, SeqScanShare: 0.05, SeqScanRows: 10_000,
		ReplicationDelay: Pair{30, 300}, ReplicationBytes: Pair{100 * mB, gB}, SlotBytes: Pair{5 * gB, 20 * gB}, SlotLeft: 0.25,
		ArchiveFailed: Pair{24 * 3600, 3600}, EndOfLifeDays: 180, FullDays: Pair{30, 7},
	}
}
