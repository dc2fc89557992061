import type { Distribution, Health, ShardStatus } from "../../bridge";

const badness: Record<string, number> = { unreachable: 0, degraded: 1, slow: 2, healthy: 3, not_configured: 4 };

/** worstFirst orders shards as somebody in a hurry needs them. */
export function worstFirst(shards: ShardStatus[]): ShardStatus[] {
  return [...shards].sort(
    (a, b) => (badness[a.status] ?? 3) - (badness[b.status] ?? 3) || a.name.localeCompare(b.name, "en", { numeric: true }),
  );
}

/** totalSize adds what is known and says of how many shards. */
export function totalSize(shards: ShardStatus[]): { bytes: number | null; known: number; of: number } {
  const asked = shards.filter((s) => s.configured);
  const known = asked.filter((s) => typeof s.size_bytes === "number");
  return { bytes: known.length === 0 ? null : known.reduce((n, s) => n + (s.size_bytes ?? 0), 0), known: known.length, of: asked.length };
}

/** imbalance is the fullest shard's tenants against the mean of the shards in use. */
export function imbalance(d: Distribution | undefined): { factor: number; shard: string } | null {
  if (!d || d.total === 0) return null;
  const used = d.shards.filter((s) => !s.problem);
  if (used.length < 2) return null;
  const mean = used.reduce((n, s) => n + s.tenants, 0) / used.length;
  const top = used.reduce((a, b) => (b.tenants > a.tenants ? b : a));
  return mean > 0 ? { factor: top.tenants / mean, shard: top.name } : null;
}

/** findings counts what health checks noticed, by severity. */
export function findings(h: Health | undefined): { critical: number; warning: number; info: number } | null {
  if (!h) return null;
  const n = { critical: 0, warning: 0, info: 0 };
  for (const s of h.shards)
    for (const f of s.findings) if (f.severity === "critical" || f.severity === "warning" || f.severity === "info") n[f.severity]++;
  return n;
}
