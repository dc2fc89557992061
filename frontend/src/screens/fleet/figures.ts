import type { Distribution, Health, ShardHealth, ShardStatus } from "../../bridge";
import type { Tone } from "../../ui/Status";

/** Past so many shards a table shows them better than cards. */
export const cardsUpTo = 12;

const badness: Record<string, number> = { unreachable: 0, degraded: 1, slow: 2, healthy: 3, not_configured: 4 };

/** fullness is the colour of a share of capacity. */
export function fullness(share: number): Tone | undefined {
  return share > 0.9 ? "bad" : share > 0.7 ? "warn" : undefined;
}

/** worstFirst orders shards as somebody in a hurry needs them: by state, then by what was found, then the fullest. */
export function worstFirst(shards: ShardStatus[], health?: ReadonlyMap<string, ShardHealth>): ShardStatus[] {
  const weight = (s: ShardStatus) => {
    const n = findings({ shards: [health?.get(s.name)].filter((h) => h !== undefined) });
    return n ? n.critical * 1000 + n.warning : 0;
  };
  const full = (s: ShardStatus) => {
    const share = s.capacity_bytes ? (s.size_bytes ?? 0) / s.capacity_bytes : 0;
    return share > 0.7 ? share : 0;
  };
  return [...shards].sort(
    (a, b) =>
      (badness[a.status] ?? 3) - (badness[b.status] ?? 3) ||
      weight(b) - weight(a) ||
      full(b) - full(a) ||
      a.name.localeCompare(b.name, "en", { numeric: true }),
  );
}

/** totalSize adds what is known and says of how many shards. */
export function totalSize(shards: ShardStatus[]): { bytes: number | null; known: number; of: number } {
  const asked = shards.filter((s) => s.configured);
  const known = asked.filter((s) => typeof s.size_bytes === "number");
  return { bytes: known.length === 0 ? null : known.reduce((n, s) => n + (s.size_bytes ?? 0), 0), known: known.length, of: asked.length };
}

/** silentTenants are the tenants of shards that do not answer. */
export function silentTenants(shards: ShardStatus[]): number {
  return shards.filter((s) => s.configured && !s.reachable).reduce((n, s) => n + (s.tenants ?? 0), 0);
}

export interface Part {
  name: string;
  value: number;
  share: number;
  tenants: number;
  size: number | null | undefined;
}

/** spread is each shard's part, by size or by tenants; shards whose size is not known are named, not counted as nothing. */
export function spread(d: Distribution, by: "size" | "tenants"): { parts: Part[]; total: number; without: string[] } {
  const used = d.shards.filter((s) => s.tenants > 0 || typeof s.size_bytes === "number" || s.problem);
  const known = by === "tenants" ? used : used.filter((s) => typeof s.size_bytes === "number");
  const value = (s: Distribution["shards"][number]) => (by === "tenants" ? s.tenants : (s.size_bytes ?? 0));
  const total = known.reduce((n, s) => n + value(s), 0);
  return {
    total,
    parts: known.map((s) => ({
      name: s.name,
      value: value(s),
      share: total > 0 ? value(s) / total : 0,
      tenants: s.tenants,
      size: s.size_bytes,
    })),
    without: used.filter((s) => !known.includes(s)).map((s) => s.name),
  };
}

/** imbalance is the fullest shard against the mean of those whose size is known; by tenants where no size is. */
export function imbalance(d: Distribution | undefined): { factor: number; shard: string; by: "size" | "tenants"; of: number } | null {
  if (!d) return null;
  for (const by of ["size", "tenants"] as const) {
    const { parts, total } = spread(d, by);
    const top = parts.reduce<Part | undefined>((a, b) => (a && a.value >= b.value ? a : b), undefined);
    if (parts.length >= 2 && total > 0 && top) return { factor: top.share * parts.length, shard: top.name, by, of: parts.length };
  }
  return null;
}

/** findings counts what health checks noticed, by severity. */
export function findings(h: Pick<Health, "shards"> | undefined): { critical: number; warning: number; info: number } | null {
  if (!h) return null;
  const n = { critical: 0, warning: 0, info: 0 };
  for (const s of h.shards)
    for (const f of s.findings) if (f.severity === "critical" || f.severity === "warning" || f.severity === "info") n[f.severity]++;
  return n;
}
