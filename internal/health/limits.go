package health

// Pair is where a warning begins and where it becomes critical; a zero is no
// limit.
type Pair struct{ Warning, Critical float64 }

// Limits are where checks begin to speak; each check's own stand beside it. Shares
// are 0 to 1, times seconds, sizes bytes.
type Limits struct {
	latencyLimits
	connectionsLimits
	poolerLimits
	longTransactionsLimits
	idleInTransactionLimits
	longQueriesLimits
	blockingLimits
	horizonLimits
	preparedTransactionsLimits
	cacheHitsLimits
	tempFilesLimits
	deadlocksLimits
	rollbacksLimits
	checkpointsLimits
	transfersLimits
	walLimits
	capacityLimits
	statementsLimits
	vacuumLimits
	bloatLimits
	wraparoundLimits
	sequencesLimits
	unusedIndexesLimits
	missingIndexesLimits
	replicationLimits
	slotsLimits
	archiverLimits
	versionLimits
}

const (
	kB = 1 << 10
	mB = 1 << 20
	gB = 1 << 30
)

// Defaults are the limits where the operator has set none.
func Defaults() Limits {
	var l Limits
	for _, c := range Checks() {
		if c.Limits != nil {
			c.Limits(&l)
		}
	}
	return l
}
