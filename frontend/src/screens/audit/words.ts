/** Every action that the trail knows. */
export const actions = [
  "move.start",
  "move.switch",
  "move.resume",
  "move.cancel",
  "move.rollback",
  "move.finalize",
  "queue.pause",
  "queue.resume",
  "queue.set",
  "alert.acknowledge",
  "alert.silence",
  "alert.unsilence",
  "session.cancel",
  "session.terminate",
  "tenant.assign",
  "operator.set",
  "policy.set",
  "fleet.install",
  "fleet.uninstall",
  "fleet.stripe",
  "credential.set",
  "credential.rotate",
  "credential.forget",
  "rebalance.apply",
  "audit.export",
  "audit.restart",
  "audit.checkpoint",
  "audit.key.enroll",
  "audit.key.revoke",
  "audit.purge",
  "audit.erase",
];

export const times = [
  { value: "", label: "When: ever" },
  { value: "1h", label: "Last hour" },
  { value: "24h", label: "Last 24 hours" },
  { value: "168h", label: "Last 7 days" },
  { value: "720h", label: "Last 30 days" },
];

export interface Change {
  key: string;
  before: unknown;
  after: unknown;
  changed: boolean;
}

/** changesOf lines up what an event recorded before and after, what differs first. */
export function changesOf(before: Record<string, unknown> | null | undefined, after: Record<string, unknown> | null | undefined): Change[] {
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
  const list = keys.map((key) => {
    const was = before?.[key];
    const is = after?.[key];
    return { key, before: was, after: is, changed: said(was) !== said(is) };
  });
  return [...list.filter((c) => c.changed), ...list.filter((c) => !c.changed)];
}

/** said is a recorded value as a person reads it. */
export function said(v: unknown): string {
  if (v === undefined || v === null) return "—";
  return typeof v === "string" ? v : JSON.stringify(v);
}
