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
	return Finding{Check: "reachable", Severity: Critical, Message: "the database does not answer: " + said(now.Err), Advice: fault.HintOf(now.Err)}
}

// unread says why a reading has nothing: a database whose statistics take too long is
// not one that does not answer.
func unread(now Reading) string {
	if fault.CodeOf(now.Err) == fault.TimedOut {
		return said(now.Err)
	}
	return unreachable(now).Message
}

func said(err error) string {
	if e := fault.As(err); e != nil {
		return e.Message
	}
	return err.Error()
}
