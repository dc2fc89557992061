import type { Plan, TenantRow } from "../../bridge";
import { count, millis, plural } from "../../ui/format";
import { isOnline } from "../moves/verbs";

/** How far one of the chosen tenants is. */
export type Stage = "waits" | "planning" | "ready" | "blocked" | "starting" | "queued" | "refused";

export interface Item {
  id: string;
  /** What is known of the tenant; one that was never in sight is its id alone. */
  tenant?: TenantRow;
  stage: Stage;
  /** What stands in the way, each with what to do. */
  why: string[];
  plan?: Plan;
  /** The id of its move. */
  move?: string;
}

/** begun are the chosen tenants before they are planned; what cannot move at all says so. */
export function begun(tenants: readonly (TenantRow | string)[], target: string): Item[] {
  return tenants.map((t) => {
    if (typeof t === "string") return { id: t, stage: "waits", why: [] };
    const why = t.move_id
      ? ["a move holds it: finish that one, or take it back first"]
      : t.shard === target
        ? [`it is on ${target} already`]
        : [];
    return { id: t.id, tenant: t, stage: why.length > 0 ? "blocked" : "waits", why, move: t.move_id ?? undefined };
  });
}

/** blockersOf are the reasons why a plan cannot be started as it is. */
export function blockersOf(plan: Plan): string[] {
  const open = plan.decisions.filter((d) => d.choice === "").length;
  const checks = plan.checks
    // The decisions are said once, and what they are is seen in the tenant's own plan.
    .filter((c) => c.status === "blocker" && !(open > 0 && c.name === "decisions"))
    .map((c) => (c.fix ? `${c.message}; ${c.fix}` : c.message));
  const all = open > 0 ? [`${plural(open, "decision")} to make: plan it on its own`, ...checks] : checks;
  return plan.blocked && all.length === 0 ? ["its plan is blocked: plan it on its own"] : all;
}

/** planned is what a plan makes of an item. */
export function planned(item: Item, plan: Plan): Item {
  const why = plan.blocked ? blockersOf(plan) : [];
  return { ...item, plan, why, stage: plan.blocked ? "blocked" : "ready" };
}

export function nameOf(item: Item): string {
  return item.plan?.label || item.tenant?.label || item.id;
}

/** With counts the items of some stages. */
export function having(items: readonly Item[], ...stages: Stage[]): Item[] {
  return items.filter((i) => stages.includes(i.stage));
}

/** waiting says when writes of the tenants wait, by the modes of their plans. */
export function waiting(plans: Plan[]): string {
  const online = plans.filter(isOnline).length;
  const most = millis(Math.max(0, ...plans.map((p) => p.max_read_only_ms)));
  const how =
    online === plans.length
      ? "Each tenant writes while its rows are copied; its writes wait for its own switch"
      : online === 0
        ? "Writes of each tenant wait while its own rows are copied and compared"
        : `${count(online)} online: the tenant's writes wait for its own switch; ${count(plans.length - online)} fenced: while its own rows are copied and compared`;
  return `${how}, at most ${most}; reads go on.`;
}
