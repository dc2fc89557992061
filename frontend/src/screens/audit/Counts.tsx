import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { eventOutcome, eventTitle } from "../../app/events";
import { often } from "../../app/live";
import { problemOf } from "../../app/problem";
import { type AuditFilter, api, keys } from "../../bridge";
import { count } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";

type Field = "action" | "outcome" | "actor" | "shard" | "tenant";

const kinds: Record<string, { field: Field; head: string }> = {
  action: { field: "action", head: "Action" },
  outcome: { field: "outcome", head: "Outcome" },
  operator: { field: "actor", head: "Operator" },
  shard: { field: "shard", head: "Shard" },
  tenant: { field: "tenant", head: "Tenant" },
};

function named(kind: string, value: string): string {
  if (kind === "action") return eventTitle({ action: value });
  return kind === "outcome" ? eventOutcome({ status: value, phase: "" })[1] : value;
}

/** Counts says how often each value is among the events of the filter; a click narrows to it, and another one takes that back. */
export function Counts({ filter, narrow }: { filter: AuditFilter; narrow: (next: Partial<Record<Field, string | undefined>>) => void }) {
  const asked = { ...filter, limit: 0 };
  const q = useQuery({
    queryKey: keys.auditFacets(asked),
    queryFn: () => api.auditFacets(asked),
    refetchInterval: often(6),
  });
  // Those of the filter before stand until the new ones come, so that nothing jumps.
  const [last, setLast] = useState(q.data);
  if (q.data && q.data !== last) setLast(q.data);
  const set: Record<Field, string> = {
    action: filter.action,
    outcome: filter.status,
    actor: filter.actor,
    shard: filter.shard,
    tenant: filter.tenant,
  };
  return (
    <section className="facets" aria-label="Counts">
      <Loaded data={q.data ?? last} problem={problemOf(q)} what="the counts" rows={3} onRetry={() => void q.refetch()}>
        {(v) => (
          <>
            <p className="small muted">
              {v.more
                ? `Counted over the newest ${count(v.events)} events of this filter; there are older ones.`
                : `Counted over all ${count(v.events)} events of this filter.`}
              {typeof v.copy_to === "number" ? ` From this computer's copy, up to event ${count(v.copy_to)}.` : ""}
            </p>
            <div className="kinds">
              {v.facets.map((f) => {
                const kind = kinds[f.kind];
                if (!kind) return null;
                return (
                  <div key={f.kind}>
                    <h3>{kind.head}</h3>
                    {f.values.length === 0 ? <p className="faint">—</p> : null}
                    <ul>
                      {f.values.map((x) => {
                        const on = set[kind.field].toLowerCase() === x.value.toLowerCase();
                        return (
                          <li key={x.value}>
                            <button
                              type="button"
                              className="linkish"
                              aria-pressed={on}
                              title={on ? "Take this out of the filter" : "Only these"}
                              onClick={() => narrow({ [kind.field]: on ? undefined : x.value })}
                            >
                              {named(f.kind, x.value)}
                            </button>
                            <span className="num">{count(x.events)}</span>
                          </li>
                        );
                      })}
                    </ul>
                    {f.distinct > f.values.length ? <p className="small muted">and {count(f.distinct - f.values.length)} more</p> : null}
                  </div>
                );
              })}
            </div>
          </>
        )}
      </Loaded>
    </section>
  );
}
