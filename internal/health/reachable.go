package health

import (
	"shardadmin/internal/fault"
	"shardadmin/internal/sample"
)

// reachable is judged before all others: without an answer there is nothing
// else to judge.
func reachable() Check {
	return Check{
		Name: "reachable", Title: "The database answers", Group: "reach", Tier: sample.Live,
		Why:        "Tenants on a shard that does not answer are down.",
		Remedy:     "The finding says what was tried and what came back: host, port, network, password or certificate.",
		Thresholds: func(Limits) string { return "critical when there is no answer" },
		Judge:      func(Reading, Reading, Limits) []Finding { return nil },
	}
}

func unreachable(now Reading) Finding {
	f := Finding{Check: "reachable", Severity: Critical, Message: "the database does not answer: " + now.Err.Error(), Advice: fault.HintOf(now.Err)}
	if e := fault.As(now.Err); e != nil {
		f.Message = "the database does not answer: " + e.Message
	}
	return f
}
