import type {
  AlertList,
  AlertView,
  Distribution,
  Event,
  Finding,
  HistoryView,
  Info,
  MapTable,
  MapView,
  MetricHistory,
  MoveReport,
  MoveView,
  Plan,
  QueueState,
  Rebalance,
  RebalanceDimension,
  RebalancePlan,
  RebalanceShard,
  RebalanceUse,
  ShardHealth,
  ShardStatus,
  Status,
  TenantList,
  TenantRow,
  TenantView,
} from "../bridge";

// What the program would answer; a test says what matters to it.

export function shard(over: Partial<ShardStatus> = {}): ShardStatus {
  const name = over.name ?? "shard_1";
  return {
    name,
    configured: true,
    reachable: true,
    in_control: false,
    database: `pwb_${name}`,
    host: `${name}.example`,
    port: 5432,
    tls: "verify-full",
    status: "healthy",
    version: "15.8",
    tenants: 40,
    tenants_reason: "",
    size_bytes: 30_000_000,
    size_bytes_reason: "",
    capacity_bytes: 100_000_000,
    latency_ms: 2,
    latency_ms_reason: "",
    answered_at: "2026-11-01T08:00:00Z",
    answered_at_reason: "",
    connections: 3,
    max_connections: 100,
    placement: "open",
    region: "",
    open_moves: 0,
    open_moves_reason: "",
    error: null,
    problem: null,
    checked_at: new Date().toISOString(),
    ...over,
  };
}

export function silentShard(over: Partial<ShardStatus> = {}): ShardStatus {
  const why = "db9.example:5432: connection refused";
  return shard({
    reachable: false,
    status: "unreachable",
    size_bytes: null,
    size_bytes_reason: why,
    latency_ms: null,
    latency_ms_reason: why,
    answered_at: null,
    answered_at_reason: "it has not answered since this program first looked",
    connections: null,
    max_connections: null,
    error: why,
    problem: { code: "shard_unreachable", message: why, hint: "check that the server runs", safe: "" },
    ...over,
  });
}

export function unconfiguredShard(over: Partial<ShardStatus> = {}): ShardStatus {
  const why = "the shard is known and has no connection in the fleet file";
  return silentShard({
    configured: false,
    status: "not_configured",
    host: "",
    tenants: 0,
    size_bytes_reason: why,
    latency_ms_reason: why,
    answered_at: null,
    answered_at_reason: "it has not answered since this program first looked",
    error: why,
    problem: { code: "shard_not_configured", message: why, hint: "add its url to the fleet file", safe: "" },
    ...over,
  });
}

export function status(shards: ShardStatus[], over: Partial<Status> = {}): Status {
  return {
    fleet: "estates",
    environment: "development",
    profile: "property_web_builder",
    control: shard({ name: "control", in_control: true }),
    shards,
    tenants: shards.reduce((n, s) => n + (s.tenants ?? 0), 0),
    tenants_reason: "",
    answering: shards.filter((s) => s.reachable).length,
    configured: shards.filter((s) => s.configured).length,
    installed: true,
    install_note: "",
    installed_reason: "",
    queue: queue(),
    queue_reason: "",
    checked_at: new Date().toISOString(),
    ...over,
  };
}

export function queue(over: Partial<QueueState> = {}): QueueState {
  return {
    paused: false,
    paused_at: null,
    paused_by: "",
    paused_why: "",
    windows: "",
    window_open: true,
    window_opens_at: null,
    window_closes_at: null,
    per_fleet: null,
    per_shard: 2,
    changed_by: "",
    changed_at: null,
    ...over,
  };
}

export function health(name: string, findings: Partial<Finding>[] = [], over: Partial<ShardHealth> = {}): ShardHealth {
  return {
    name,
    status: "healthy",
    latency_ms: 2,
    connections: 3,
    max_connections: 100,
    cache_hit_rate: 0.99,
    cache_hit_rate_reason: "",
    cache_hit_rate_since: new Date(Date.now() - 120_000).toISOString(),
    cache_hit_rate_since_reason: "",
    index_hit_rate: 0.98,
    index_hit_rate_reason: "",
    index_hit_rate_since: null,
    index_hit_rate_since_reason: "the statistics were never reset",
    size_bytes: 30_000_000,
    growth: {
      state: "too_short",
      reason: "sizes of fewer than seven days are kept",
      days: 0,
      bytes_per_day: null,
      bytes_per_day_from: null,
      bytes_per_day_to: null,
      full_in_days_from: null,
      full_in_days_to: null,
      full_in_days_reason: "sizes of fewer than seven days are kept",
    },
    findings: findings.map((f) => ({
      check: "latency",
      severity: "warning",
      message: "slow",
      value: "",
      advice: "",
      subject: "",
      statement: "",
      columns: [],
      rows: [],
      ...f,
    })),
    unavailable: [],
    problem: null,
    checked_at: new Date().toISOString(),
    ...over,
  };
}

/** course is a figure measured each minute; null is a gap. */
export function course(mean: (number | null)[], over: Partial<MetricHistory> = {}): MetricHistory {
  return {
    name: "latency_ms",
    title: "Latency",
    unit: "ms",
    at: mean.map((_, i) => 1000 + i * 60),
    mean: mean as number[],
    least: [],
    most: [],
    reason: mean.length === 0 ? "nothing was measured in this time" : "",
    ...over,
  };
}

export function past(metrics: MetricHistory[], over: Partial<HistoryView> = {}): HistoryView {
  return {
    from: 1000,
    to: 1600,
    step_seconds: 0,
    shards: [{ name: "shard_1", kept_since: metrics.length === 0 ? null : "2026-01-01T00:00:00Z", metrics }],
    marks: [],
    marks_reason: "",
    sampling: { on: true, by: "window", process: 7, here: true, since: "2026-01-01T00:00:00Z", reason: "" },
    ...over,
  } as HistoryView;
}

export function distribution(shards: ShardStatus[]): Distribution {
  const total = shards.reduce((n, s) => n + (s.tenants ?? 0), 0);
  return {
    total,
    recommended: false,
    recommended_reason: "no shard is more than 20 % above an even spread",
    uneven_since: null,
    uneven_since_reason: "no shard is more than 20 % above an even spread",
    dimensions: ["bytes", "rows", "load", "count"].map((by) => rebalanceDimension(by)),
    kept: "control",
    kept_reason: "",
    shards: shards.map((s) => ({
      name: s.name,
      tenants: s.tenants ?? 0,
      percent: total > 0 ? ((s.tenants ?? 0) / total) * 100 : 0,
      size_bytes: s.size_bytes,
      size_bytes_reason: s.size_bytes_reason,
      problem: s.configured ? s.problem : null,
    })),
  };
}

export function tenant(n: number, over: Partial<TenantRow> = {}): TenantRow {
  return {
    id: String(n),
    label: `site-${n}`,
    title: `Agency ${n}`,
    shard: "shard_1",
    status: "live",
    demo: false,
    created_at: "2024-02-03T04:05:06Z",
    move_state: null,
    move_id: null,
    move_reason: "",
    fields: {},
    rows_estimate: n * 10,
    bytes_estimate: n * 1000,
    estimate_reason: "",
    changed_at: null,
    ...over,
  };
}

export function tenants(list: TenantRow[], over: Partial<TenantList> = {}): TenantList {
  return { total: list.length, tenants: list, fields: [], changed_reason: "", ...over };
}

export function tenantView(n: number, over: Partial<TenantView> = {}): TenantView {
  return {
    ...tenant(n),
    tables: [
      { table: "messages", kind: "tenant", rows: 90, bytes: 9000 },
      { table: "pages", kind: "child", rows: 10, bytes: 1000 },
      { table: "empty", kind: "child", rows: 0, bytes: 0 },
    ],
    tables_reason: "",
    rows: 100,
    bytes: 10_000,
    counted_at: new Date().toISOString(),
    history: [],
    history_reason: "",
    move: null,
    ...over,
  };
}

export function move(over: Partial<MoveView> = {}): MoveView {
  return {
    id: "m1",
    tenant: "7",
    label: "site-7",
    source: "default",
    target: "shard_1",
    mode: "fenced",
    state: "copying",
    step: "",
    phase: "Copy",
    hold: false,
    held: false,
    goes_on: false,
    repairable: false,
    rows: 1000,
    bytes: 100_000,
    rows_copied: 250,
    bytes_copied: 25_000,
    slowed: "",
    rows_per_s: null,
    bytes_per_s: null,
    rate_reason: "not measured yet",
    time_left_ms: null,
    time_left_until: "",
    time_left_reason: "nothing was measured yet",
    measured_at: null,
    behind: null,
    behind_reason: "the target does not follow yet",
    max_read_only_ms: 30_000,
    write_pause_ms: null,
    read_only_since: null,
    verified: false,
    verified_at: null,
    created_by: "ann@example.com",
    note: "a test",
    created_at: new Date().toISOString(),
    started_at: new Date().toISOString(),
    switched_at: null,
    finished_at: null,
    error: null,
    next: [],
    actions: [],
    owner: "",
    stands_still: false,
    settled: false,
    tables: [],
    log: [],
    checks: [],
    ...over,
  };
}

export function report(over: Partial<MoveReport> = {}): MoveReport {
  return {
    fleet: "estates",
    environment: "staging",
    made_at: "2026-03-01T12:00:00Z",
    move: move({ state: "retained", phase: "Watch", settled: true, rows_copied: 1000, write_pause_ms: 184, verified: true }),
    mode_reason: "every table has a key",
    phases: [
      { phase: "Copy", began_at: "2026-03-01T11:00:00Z", ended_at: "2026-03-01T11:01:20Z", duration_ms: 80_000, duration_ms_reason: "" },
      { phase: "Watch", began_at: "2026-03-01T11:02:00Z", ended_at: null, duration_ms: null, duration_ms_reason: "it has not ended" },
    ],
    steps: [],
    tables: [
      {
        table: "messages",
        kind: "tenant",
        rows: 1000,
        bytes: 100_000,
        rows_copied: 1000,
        bytes_copied: 98_000,
        verified: true,
        digest: { rows: 1000, sum_a: "1", sum_b: "2", sha256: "8b1f6c3d5e7a9b0c1d2e3f405162738495a6b7c8d9e0f1021324354657687980" },
        digest_reason: "",
      },
    ],
    decisions: [],
    shared_copies: [],
    kept_on_source: [],
    refused_writes: [
      { shard: "default", count: 1250, count_reason: "" },
      { shard: "shard_1", count: null, count_reason: "shard_1 does not answer" },
    ],
    events: [event({ action: "move.start", status: "ok", hash: "ff00ff00", seq: 41 })],
    chain_ok: true,
    chain_reason: "",
    safe: "site-7 lives on shard_1; default keeps the copy with which it can move back",
    ...over,
  };
}

export function plan(id: string, over: Partial<Plan> = {}): Plan {
  return {
    tenant: id,
    label: `site-${id}`,
    source: "shard_1",
    target: "default",
    mode: "online",
    mode_reason: "the tenant writes while its rows are copied",
    tables: [{ table: "messages", kind: "tenant", rows: 21, bytes: 2100 }],
    rows: 21,
    bytes: 2100,
    estimate_ms: 900,
    pause_ms: 140,
    estimate_ms_reason: "",
    max_read_only_ms: 10_000,
    decisions: [],
    replacing: [],
    checks: [],
    blocked: false,
    notices: [],
    made_at: "2026-03-01T12:00:00Z",
    ...over,
  };
}

export function event(over: Partial<Event> = {}): Event {
  return {
    id: `e${over.seq ?? 1}`,
    seq: 1,
    at: new Date().toISOString(),
    actor: "ann@example.com",
    actor_ref: "",
    actor_role: "admin",
    db_user: "ops",
    action: "tenant.assign",
    phase: "outcome",
    tenant: "7",
    source: "default",
    target: "shard_1",
    status: "ok",
    note: "a test",
    move_id: "",
    via: "page",
    hash: "00",
    before: {},
    after: {},
    details: {},
    ...over,
  };
}

export function mapTable(table: string, over: Partial<MapTable> = {}): MapTable {
  return {
    table,
    kind: "tenant",
    mixed: false,
    tenant_column: "website_id",
    path: [`${table}.website_id`],
    follows: "true",
    rows_estimate: 10,
    moves: true,
    edges: [],
    ...over,
  };
}

export function mapView(tables: MapTable[], over: Partial<MapView> = {}): MapView {
  return { profile: "property_web_builder", database: "default", tables, unclassified: 0, problems: [], ...over };
}

export function info(over: Partial<Info> = {}): Info {
  return {
    version: "1.0",
    commit: "abc",
    headless: true,
    mode: "page",
    operator: "ann@example.com",
    fleets: [{ name: "estates", environment: "development", current: true, error: "" }],
    first_start: false,
    ...over,
  };
}

export function rebalanceUse(use: number | null, over: Partial<RebalanceUse> = {}): RebalanceUse {
  return {
    bytes: use === null ? null : Math.round(use * 50_000_000_000),
    bytes_reason: use === null ? "the size of 40 tenants there is not known" : "",
    load: use === null ? null : use * 1000,
    load_reason: use === null ? "no look at the activity of its tables is kept on this computer" : "",
    tenants: Math.round((use ?? 0) * 100),
    use,
    use_reason: use === null ? "it is drained" : "",
    peak_bytes: null,
    peak_bytes_reason: "",
    ...over,
  };
}

export function rebalancePlan(strategy: string, over: Partial<RebalancePlan> = {}): RebalancePlan {
  return {
    id: `id-${strategy}`,
    strategy,
    goal: 0.1,
    moves: [
      {
        tenant: "7",
        label: "site-7",
        source: "default",
        target: "shard_1",
        bytes: 9_000_000_000,
        rows: 90_000,
        why: "spread",
        reason: "default from 1.40 to 1.20, shard_1 from 0.60 to 0.80",
        source_before: rebalanceUse(1.4),
        source_after: rebalanceUse(1.2),
        target_before: rebalanceUse(0.6),
        target_after: rebalanceUse(0.8),
      },
    ],
    bytes: 9_000_000_000,
    rows: 90_000,
    before: { max: 1.4, min: 0.6, reason: "", outside: 2, misplaced: 0 },
    after: { max: 1.2, min: 0.8, reason: "", outside: 2, misplaced: 0 },
    estimate_ms: null,
    estimate_slow_ms: null,
    estimate_ms_reason: "no move of this fleet has ended yet",
    shards: [
      { name: "default", ...rebalanceUse(1.2) },
      { name: "shard_1", ...rebalanceUse(0.8) },
    ],
    stopped: "",
    rejected: [
      {
        tenant: "8",
        label: "site-8",
        source: "default",
        target: "",
        bytes: 5_000_000_000,
        constraint: "pinned",
        reason: "it is pinned: the contract says so",
      },
    ],
    rejected_total: 1,
    left: [{ shard: "default", reason: "it stays at 1.20 of an even spread: 1 pinned, and no other move lessens it" }],
    ...over,
  };
}

/** rebalanceDimension is a dimension by which the fleet is even. */
export function rebalanceDimension(by: string, over: Partial<RebalanceDimension> = {}): RebalanceDimension {
  return {
    by,
    state: "even",
    recommended: false,
    reason: `no shard is more than 20 % above an even spread of ${by}`,
    over: 0.05,
    over_reason: "",
    fullest: "default",
    since: null,
    since_reason: `no shard is more than 20 % above an even spread of ${by}`,
    seen_at: "2026-11-27T05:00:00Z",
    seen_at_reason: "",
    seen_by: "worker on db9",
    age_ms: 240_000,
    ...over,
  };
}

export function rebalance(over: Partial<Rebalance> = {}): Rebalance {
  const shard = (name: string, use: number): RebalanceShard => ({
    name,
    placement: "open",
    region: "",
    labels: {},
    dedicated: [],
    capacity_bytes: null,
    takes_part: true,
    note: "",
    ...rebalanceUse(use),
  });
  return {
    fleet: "estates",
    environment: "development",
    needed: true,
    recommended: false,
    recommended_reason:
      "the fullest shard is more than 20 % above an even spread since 08:00 UTC on 2026-11-26; moves are recommended after 24 h of it",
    uneven_since: "2026-11-26T08:00:00Z",
    uneven_since_reason: "",
    dimensions: [
      rebalanceDimension("bytes", { state: "uneven", over: 0.4, since: "2026-11-26T08:00:00Z", since_reason: "" }),
      rebalanceDimension("rows"),
      rebalanceDimension("load", {
        state: "unknown",
        over: null,
        reason: "no worker, serve or window has looked for 3 h: they do while they run",
        seen_at: "2026-11-26T05:00:00Z",
      }),
      rebalanceDimension("count"),
    ],
    kept: "control",
    kept_reason: "",
    verdict: "the fullest shard holds 1.40 times a mean one, the emptiest 0.60",
    threshold: 0.2,
    by: ["bytes"],
    tenants: 200,
    mean_bytes: 50_000_000_000,
    cool_down_ms: 0,
    shards: [shard("default", 1.4), shard("shard_1", 0.6)],
    plans: [rebalancePlan("fewest-moves"), rebalancePlan("fewest-bytes"), rebalancePlan("most-even")],
    oversized: [],
    largest: [{ tenant: "7", label: "site-7", shard: "default", bytes: 9_000_000_000, share: 0.13 }],
    pins: [{ tenant: "8", label: "site-8", shard: "default", reason: "the contract says so" }],
    load: {
      method: "estimated: rows that were read and written in each table a second, shared among tenants as the table's rows are",
      from: null,
      to: null,
      reason: "default: no look at the activity of its tables is kept on this computer",
      hottest: [],
    },
    placement: [
      { shard: "shard_1", allowed: true, reason: "it holds 0.60 of an even share" },
      { shard: "default", allowed: true, reason: "it holds 1.40 of an even share" },
    ],
    notes: [],
    checked_at: new Date().toISOString(),
    ...over,
  };
}

export function alert(over: Partial<AlertView> = {}): AlertView {
  return {
    id: 7,
    rule: "health.reachable",
    subject: "shard_1",
    shard: "shard_1",
    severity: "critical",
    state: "firing",
    message: "the database does not answer",
    value: "",
    advice: "start it",
    since: new Date().toISOString(),
    fired_at: new Date().toISOString(),
    resolved_at: null,
    acknowledged_at: null,
    acknowledged_by: "",
    acknowledged_why: "",
    silenced: false,
    ...over,
  };
}

export function alerts(list: AlertView[] = [], over: Partial<AlertList> = {}): AlertList {
  return {
    alerts: list,
    silences: [],
    channels: [],
    firing: list.filter((a) => a.state === "firing").length,
    kept: true,
    reason: "",
    evaluated: true,
    ...over,
  };
}
