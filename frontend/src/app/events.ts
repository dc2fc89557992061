import type { Event } from "../bridge";
import type { Tone } from "../ui/Status";

const verbs: Record<string, string> = {
  "fleet.install": "shard_admin schema installed",
  "fleet.uninstall": "shard_admin schema removed",
  "fleet.stripe": "Sequences striped",
  "operator.set": "Operator filed",
  "policy.set": "Policy changed",
  "tenant.assign": "Assignment",
  "queue.pause": "Queue paused",
  "queue.resume": "Queue resumed",
  "queue.set": "Queue's rules changed",
  "move.start": "Move started",
  "move.switch": "Switch asked for",
  "move.resume": "Move resumed",
  "move.cancel": "Move cancelled",
  "move.rollback": "Moved back",
  "move.finalize": "Move finished",
  "alert.acknowledge": "Alert acknowledged",
  "alert.silence": "Alerts silenced",
  "alert.unsilence": "Silence ended",
  "session.cancel": "Statement cancelled",
  "session.terminate": "Session ended",
  "audit.export": "Audit exported",
  "audit.restart": "Copy of the trail begun anew",
  "audit.checkpoint": "Trail signed",
  "audit.key.enroll": "Signing key enrolled",
  "audit.key.revoke": "Signing key revoked",
  "audit.purge": "Trail archived",
  "audit.erase": "Person erased",
  "rebalance.apply": "Fleet rebalanced",
  "credential.set": "Credential stored",
  "credential.rotate": "Credential replaced",
  "credential.forget": "Credential forgotten",
};

export function eventTitle(e: Pick<Event, "action">): string {
  return verbs[e.action] ?? e.action;
}

/** eventTenant is what people call the tenant of an event, as it or another of the list has it. */
export function eventTenant(e: Event, list: readonly Event[] = []): string {
  if (!e.tenant) return "";
  for (const x of [e, ...list]) {
    const label = x.tenant === e.tenant ? x.details?.label : undefined;
    if (typeof label === "string" && label) return label;
  }
  return e.tenant;
}

/** settledEvents leaves out what was begun where the outcome is in the list, too; the newest come first. */
export function settledEvents(events: Event[]): Event[] {
  return events.filter(
    (e, i) =>
      e.phase !== "intent" || !events.slice(0, i).some((o) => o.phase !== "intent" && o.action === e.action && o.tenant === e.tenant),
  );
}

const outcomes: Record<string, [Tone, string]> = {
  ok: ["ok", "Done"],
  completed: ["ok", "Done"],
  intent: ["off", "Intended"],
  begun: ["off", "Begun"],
  pending: ["off", "Intended"],
  refused: ["warn", "Refused"],
  denied: ["warn", "Refused"],
  failed: ["bad", "Failed"],
  rolled_back: ["off", "Moved back"],
  cancelled: ["off", "Cancelled"],
  interrupted: ["warn", "Interrupted"],
};

export function eventOutcome(e: Pick<Event, "status" | "phase">): [Tone, string] {
  return outcomes[e.status] ?? ["info", e.status || e.phase];
}
