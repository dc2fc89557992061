import { eventOutcome, eventTitle } from "../../app/events";
import type { AuditFilter } from "../../bridge";
import { times } from "./words";

/** What the address says of the filter. */
export interface Asked {
  q?: string;
  tenant?: string;
  actor?: string;
  shard?: string;
  action?: string;
  outcome?: string;
  since?: string;
  until?: string;
}

/** everything is a filter that leaves nothing out. */
export const everything: AuditFilter = {
  id: "",
  tenant: "",
  actor: "",
  shard: "",
  action: "",
  since: "",
  until: "",
  search: "",
  status: "",
  before: 0,
  after: 0,
  limit: 0,
};

/** addressOf is a filter as the address has it, without what it does not select by. */
export function addressOf(f: AuditFilter): Asked {
  return {
    ...(f.search && { q: f.search }),
    ...(f.tenant && { tenant: f.tenant }),
    ...(f.actor && { actor: f.actor }),
    ...(f.shard && { shard: f.shard }),
    ...(f.action && { action: f.action }),
    ...(f.status && { outcome: f.status }),
    ...(f.since && { since: f.since }),
    ...(f.until && { until: f.until }),
  };
}

/** same reports whether two filters select the same events. */
export function same(a: AuditFilter, b: AuditFilter): boolean {
  return JSON.stringify(addressOf(a)) === JSON.stringify(addressOf(b));
}

/** selects says in words what a filter selects. */
export function selects(f: AuditFilter): string {
  return [
    f.action && eventTitle({ action: f.action }),
    f.status && eventOutcome({ status: f.status, phase: "" })[1],
    f.tenant && `tenant ${f.tenant}`,
    f.shard && `shard ${f.shard}`,
    f.actor && `by ${f.actor}`,
    f.search && `holds “${f.search}”`,
    f.since && sinceWords(f.since),
    f.until && `until ${f.until}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function sinceWords(since: string): string {
  return times.find((t) => t.value === since)?.label.toLowerCase() ?? (/^\d{4}-/.test(since) ? `from ${since}` : `last ${since}`);
}

/** periods are the choices of When, with the one that is set where it is none of them. */
export function periods(since: string): { value: string; label: string }[] {
  if (times.some((t) => t.value === since)) return times;
  const words = sinceWords(since);
  return [...times, { value: since, label: words.charAt(0).toUpperCase() + words.slice(1) }];
}
