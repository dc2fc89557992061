import type { Rebalance, RebalanceDimension, RebalancePlan, RebalanceShard } from "../../bridge";
import type { Tone } from "../../ui/Status";

const strategies: Record<string, [string, string]> = {
  "fewest-moves": ["Fewest moves", "as few tenants as will do"],
  "fewest-bytes": ["Fewest bytes", "more tenants, smaller ones"],
  "most-even": ["Most even", "as near to even as it goes"],
};

/** strategy names a plan and says what it is after. */
export function strategy(s: string): { title: string; aim: string } {
  const [title, aim] = strategies[s] ?? [s, ""];
  return { title, aim };
}

const constraints: Record<string, string> = {
  pinned: "Pinned",
  in_move: "In a move",
  cool_down: "Cool-down",
  unknown_size: "Size not known",
  unknown_load: "Load not known",
  oversized: "Oversized",
  source_pinned: "Shard pinned",
  source_closed: "Shard out of reach",
  target_closed: "Target out of reach",
  target_pinned: "Target pinned",
  target_drained: "Target drained",
  target_dedicated: "Target dedicated",
  target_demo: "Demo tenants only",
  region: "Region",
  label: "Label",
  apart: "Kept apart",
  max_tenants: "Too many tenants",
  disk: "Disk at peak",
};

export function constraint(c: string): string {
  return constraints[c] ?? c;
}

const whys: Record<string, string> = {
  drain: "Drain",
  dedicated: "Dedicated",
  demo: "Demo",
  region: "Region",
  label: "Label",
  apart: "Apart",
  spread: "Spread",
};

export function why(w: string): string {
  return whys[w] ?? w;
}

const dimensions: Record<string, string> = { bytes: "Bytes", rows: "Rows", load: "Load", count: "Number of tenants" };

/** dimension names what tenants are spread by. */
export function dimension(by: string): string {
  return dimensions[by] ?? by;
}

/** stand is how a fleet stands by a dimension; what is not known is not well. */
export function stand(d: RebalanceDimension): Tone {
  if (d.recommended) return "warn";
  return d.state === "even" ? "ok" : d.state === "unknown" ? "off" : "info";
}

/** times writes a use: 1.00 is an even spread. */
export function times(v: number): string {
  return v.toFixed(2);
}

/** chosen is the plan that the address names, else the one that copies least, where it has moves. */
export function chosen(plans: RebalancePlan[], named: string | undefined): RebalancePlan | undefined {
  const by = (s: string) => plans.find((p) => p.strategy === s);
  return by(named ?? "") ?? by("fewest-bytes") ?? plans[0];
}

/** scale is the use at the right end of the bars of all shards. */
export function scale(r: Rebalance): number {
  const all = [...r.shards.map((s) => s.use), ...r.plans.flatMap((p) => p.shards.map((s) => s.use))];
  return Math.max(1.25, ...all.map((u) => u ?? 0)) * 1.05;
}

/** ruled says by which rule of the fleet file a shard is not like the others; empty where it is. */
export function ruled(s: RebalanceShard): string {
  const rules = [];
  if (s.dedicated.length > 0) rules.push(`dedicated to ${s.dedicated.join(", ")}`);
  if (s.placement === "drain") rules.push("drained: tenants leave, nobody comes");
  if (s.placement === "pinned") rules.push("pinned: nobody comes or goes");
  if (s.placement === "demo") rules.push("for demo tenants");
  if (s.region) rules.push(`region ${s.region}`);
  for (const [k, v] of Object.entries(s.labels)) rules.push(`${k} ${v}`);
  return rules.join(" · ");
}
