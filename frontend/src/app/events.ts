import type { Event } from "../bridge";
import type { Tone } from "../ui/Status";

const verbs: Record<string, string> = {
  "fleet.install": "shard_admin schema installed",
  "fleet.uninstall": "shard_admin schema removed",
  "operator.set": "Operator filed",
  "policy.set": "Policy changed",
  "tenant.assign": "Assignment",
  "move.start": "Move started",
  "move.switch": "Switch asked for",
  "move.resume": "Move resumed",
  "move.cancel": "Move cancelled",
  "move.rollback": "Moved back",
  "move.finalize": "Move finished",
  "audit.export": "Audit exported",
  "credential.set": "Credential stored",
};

export function eventTitle(e: Event): string {
  return verbs[e.action] ?? e.action;
}

const outcomes: Record<string, [Tone, string]> = {
  ok: ["ok", "Done"],
  completed: ["ok", "Done"],
  intent: ["off", "Intended"],
  pending: ["off", "Intended"],
  refused: ["warn", "Refused"],
  denied: ["warn", "Refused"],
  failed: ["bad", "Failed"],
  rolled_back: ["off", "Moved back"],
  cancelled: ["off", "Cancelled"],
};

export function eventOutcome(e: Event): [Tone, string] {
  return outcomes[e.status] ?? ["info", e.status || e.phase];
}
