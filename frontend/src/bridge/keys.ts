import type { AuditFilter, HistoryRequest, ReportRequest, TenantFilter } from "./types";

/** The names under which answers are kept; all but info and settings belong to the current fleet. */
export const keys = {
  info: ["info"] as const,
  fleets: ["fleets"] as const,
  settings: ["settings"] as const,
  doctor: ["doctor"] as const,
  demo: ["demo"] as const,
  fleet: ["fleet"] as const,
  status: ["fleet", "status"] as const,
  health: (shard: string) => ["fleet", "health", shard] as const,
  distribution: ["fleet", "distribution"] as const,
  stats: (shard: string) => ["fleet", "stats", shard] as const,
  views: (shard: string) => ["fleet", "views", shard] as const,
  /** Not among what is read again by itself: what is confirmed is what was seen. */
  sessions: (shard: string, at: number) => ["sessions", shard, at] as const,
  history: (r: HistoryRequest) => ["fleet", "history", r] as const,
  comparison: ["fleet", "comparison"] as const,
  recent: ["fleet", "recent"] as const,
  tenants: (f: TenantFilter) => ["fleet", "tenants", f] as const,
  tenant: (id: string) => ["fleet", "tenant", id] as const,
  /** A tenant without its rows, which are quick to have. */
  found: (id: string) => ["fleet", "tenant", id, "found"] as const,
  placement: ["fleet", "placement"] as const,
  map: ["fleet", "map"] as const,
  plan: (request: unknown) => ["fleet", "plan", request] as const,
  moves: (tenant: string) => ["fleet", "moves", tenant] as const,
  move: (id: string) => ["fleet", "move", id] as const,
  /** Not among what is read again by itself: the whole trail is computed for it. */
  report: (id: string) => ["report", id] as const,
  reentry: ["reentry"] as const,
  rebalance: ["fleet", "rebalance"] as const,
  allAlerts: ["fleet", "alerts"] as const,
  alerts: (all: boolean) => ["fleet", "alerts", all] as const,
  workers: ["fleet", "workers"] as const,
  reportKinds: ["report kinds"] as const,
  reportSchedules: ["fleet", "report-schedules"] as const,
  preview: (r: ReportRequest) => ["fleet", "preview", r] as const,
  audit: (f: AuditFilter) => ["fleet", "audit", f] as const,
  /** Not among what is read again by itself: it goes on after what it has. */
  auditTail: (f: AuditFilter) => ["audit-tail", f] as const,
  auditFacets: (f: AuditFilter) => ["fleet", "audit-facets", f] as const,
  savedFilters: ["fleet", "saved-filters"] as const,
  auditAlarms: ["fleet", "audit-alarms"] as const,
  verification: ["fleet", "verification"] as const,
  policy: ["fleet", "policy"] as const,
  install: ["fleet", "install"] as const,
  /** Not among what is read again by itself: each time a login is tried. */
  credential: (fleet: string, name: string) => ["credential", fleet, name] as const,
};
