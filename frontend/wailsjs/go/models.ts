export namespace app {
	
	export interface ShardURL {
	    name: string;
	    url: string;
	}
	export interface AddFleetRequest {
	    name: string;
	    environment: string;
	    profile: string;
	    control: string;
	    shards: ShardURL[];
	    ssh: string;
	}
	export interface CredentialRequest {
	    name: string;
	    user: string;
	    password: string;
	    note: string;
	}
	export interface DemoServer {
	    name: string;
	    port: number;
	    running: boolean;
	}
	export interface DemoStatus {
	    available: boolean;
	    running: boolean;
	    starting: boolean;
	    step: string;
	    fleet: string;
	    servers: DemoServer[];
	    problem?: session.Problem | null;
	}
	export interface Examination {
	    checks: doctor.Finding[];
	    checked_at: string;
	}
	export interface FlagRequest {
	    flag: string;
	    on: boolean;
	    note: string;
	    confirm: string;
	}
	export interface FleetShard {
	    name: string;
	    configured: boolean;
	    in_control: boolean;
	    url: string;
	    direct: string;
	    credential: string;
	    capacity_bytes: number;
	    placement: string;
	    region: string;
	}
	export interface FleetFile {
	    name: string;
	    environment: string;
	    profile: string;
	    path: string;
	    current: boolean;
	    control: string;
	    direct: string;
	    credential: string;
	    credentials: string[];
	    shards: FleetShard[];
	    problem?: session.Problem | null;
	    notes: string[];
	}
	export interface FleetList {
	    fleets: FleetFile[];
	}
	export interface FleetName {
	    name: string;
	    environment: string;
	    current: boolean;
	    error: string;
	}
	
	export interface HostKey {
	    host: string;
	    key_type: string;
	    fingerprint: string;
	    file: string;
	    way: session.SSHHop[];
	}
	export interface HostKeys {
	    database: string;
	    unknown?: HostKey | null;
	}
	export interface ImportFleetRequest {
	    name: string;
	    environment: string;
	    text: string;
	    ssh: string;
	}
	export interface HostRequest {
	    fleet: string;
	    new?: AddFleetRequest | null;
	    import?: ImportFleetRequest | null;
	    database: string;
	}
	
	export interface Info {
	    version: string;
	    commit: string;
	    headless: boolean;
	    mode: string;
	    operator: string;
	    fleets: FleetName[];
	    first_start: boolean;
	}
	export interface InstallRequest {
	    admin: string;
	    note: string;
	    confirm: string;
	}
	export interface MoveReportFile {
	    path: string;
	}
	export interface RoleRequest {
	    email: string;
	    role: string;
	    db_role: string;
	    note: string;
	    confirm: string;
	}
	export interface Script {
	    database: string;
	    sql: string;
	}
	export interface ScriptList {
	    scripts: Script[];
	}
	export interface SettingList {
	    settings: home.Setting[];
	}
	
	export interface TenantExport {
	    path: string;
	    rows: number;
	}
	export interface TenantExportRequest {
	    filter: session.TenantFilter;
	    columns: string[];
	    ids: string[];
	}
	export interface Vault {
	    made: boolean;
	}

}

export namespace doctor {
	
	export interface Finding {
	    name: string;
	    status: string;
	    message: string;
	    fix: string;
	}

}

export namespace home {
	
	export interface Setting {
	    name: string;
	    kind: string;
	    value: string;
	    default: string;
	    choices: string[];
	    source: string;
	    variable: string;
	    help: string;
	}

}

export namespace session {
	
	export interface AuditAlarm {
	    at: string;
	    kind: string;
	    first_seq: number;
	    last_seq: number;
	    message: string;
	}
	export interface AlarmList {
	    alarms: AuditAlarm[];
	    hint: string;
	}
	export interface ChannelView {
	    name: string;
	    kind: string;
	    to: string[];
	    severity: string;
	    events: string[];
	    digest: string;
	    waiting: number;
	    sent_at?: string | null;
	    error: string;
	}
	export interface SilenceView {
	    id: number;
	    shard: string;
	    rule: string;
	    begins: string;
	    ends: string;
	    every: string;
	    next_at?: string | null;
	    active: boolean;
	    reason: string;
	    by: string;
	}
	export interface AlertView {
	    id: number;
	    rule: string;
	    subject: string;
	    shard: string;
	    severity: string;
	    state: string;
	    message: string;
	    value: string;
	    advice: string;
	    since: string;
	    fired_at?: string | null;
	    resolved_at?: string | null;
	    acknowledged_at?: string | null;
	    acknowledged_by: string;
	    acknowledged_why: string;
	    silenced: boolean;
	}
	export interface AlertList {
	    alerts: AlertView[];
	    silences: SilenceView[];
	    channels: ChannelView[];
	    firing: number;
	    kept: boolean;
	    reason: string;
	    evaluated: boolean;
	}
	
	export interface AssignWhere {
	    shard: string;
	    demo: string;
	    subdomain: string;
	    tenants: string[];
	}
	export interface AssignManyRequest {
	    where: AssignWhere;
	    shard: string;
	    rows_stay: boolean;
	    dry_run: boolean;
	    note: string;
	    confirm: string;
	}
	export interface AssignRequest {
	    tenant: string;
	    shard: string;
	    rows_stay: boolean;
	    note: string;
	    confirm: string;
	}
	
	export interface Problem {
	    code: string;
	    message: string;
	    hint: string;
	    safe: string;
	}
	export interface AssignedOne {
	    tenant: string;
	    label: string;
	    from: string;
	    status: string;
	    audit_event: string;
	    problem?: Problem | null;
	}
	export interface AssignedMany {
	    where: string;
	    to: string;
	    dry_run: boolean;
	    tenants: AssignedOne[];
	    assigned: number;
	    refused: number;
	    ended?: Problem | null;
	}
	
	export interface Assignment {
	    tenant: string;
	    label: string;
	    from: string;
	    to: string;
	    audit_event: string;
	}
	
	export interface AuditExport {
	    file: string;
	    manifest: string;
	    kind: string;
	    format: string;
	    statement: string;
	    bytes: number;
	    count: number;
	    first_seq: number;
	    last_seq: number;
	    sha256: string;
	    chain_ok: boolean;
	    signed_by: string;
	    signed_by_reason: string;
	    copied_at?: string | null;
	}
	export interface AuditFacetValue {
	    value: string;
	    events: number;
	}
	export interface AuditFacet {
	    kind: string;
	    distinct: number;
	    values: AuditFacetValue[];
	}
	
	export interface AuditFacets {
	    events: number;
	    most: number;
	    more: boolean;
	    facets: AuditFacet[];
	    copy_to?: number | null;
	    copy_reason: string;
	}
	export interface AuditFilter {
	    id: string;
	    tenant: string;
	    actor: string;
	    shard: string;
	    action: string;
	    since: string;
	    until: string;
	    search: string;
	    status: string;
	    before: number;
	    after: number;
	    limit: number;
	}
	export interface AuditFinding {
	    seq: number;
	    kind: string;
	    event_id: string;
	    message: string;
	}
	export interface AuditKey {
	    public: string;
	    actor: string;
	    enrolled_seq: number;
	    revoked_seq?: number | null;
	}
	export interface AuditSync {
	    pulled: number;
	    seq: number;
	    head: number;
	}
	export interface AuditVerification {
	    ok: boolean;
	    events: number;
	    first_bad?: number | null;
	    findings: AuditFinding[];
	    verified_at: string;
	    checkpoints: number;
	    last_checkpoint?: number | null;
	    keys: AuditKey[];
	    unproven: string[];
	    archived_to: number;
	    copy_to?: number | null;
	    copy_reason: string;
	}
	export interface BackendView {
	    pid: number;
	    started_at?: string | null;
	    statement_at?: string | null;
	    user: string;
	    application: string;
	    client: string;
	    state: string;
	    waits: string;
	    query: string;
	    transaction_ms?: number | null;
	    statement_ms?: number | null;
	    state_ms?: number | null;
	    blocked_by: number[];
	    blocks: number;
	    ours: boolean;
	    reason: string;
	}
	export interface Backends {
	    shard: string;
	    sessions: BackendView[];
	    checked_at: string;
	}
	export interface ChannelTest {
	    channel: string;
	    ok: boolean;
	}
	
	export interface Check {
	    name: string;
	    status: string;
	    message: string;
	    fix: string;
	    evidence: string;
	}
	export interface ComparedShard {
	    name: string;
	    checked_at?: string | null;
	    problem?: Problem | null;
	}
	export interface CredentialTest {
	    name: string;
	    source: string;
	    user: string;
	    ok: boolean;
	    problem?: Problem | null;
	}
	export interface SSHHop {
	    user: string;
	    host: string;
	    port: number;
	    fingerprint?: string | null;
	}
	export interface MissingRight {
	    capability: string;
	    right: string;
	    grant: string;
	}
	export interface DatabaseCheck {
	    name: string;
	    configured: boolean;
	    reachable: boolean;
	    host: string;
	    port: number;
	    database: string;
	    user: string;
	    version: string;
	    tls: string;
	    tls_mode: string;
	    latency_ms?: number | null;
	    in_recovery?: boolean | null;
	    read_only?: boolean | null;
	    wal_level: string;
	    free_slots?: number | null;
	    pooler: boolean;
	    same_as: string;
	    missing: MissingRight[];
	    optional: MissingRight[];
	    warnings: string[];
	    error?: string | null;
	    problem?: Problem | null;
	    ssh: SSHHop[];
	}
	export interface Decision {
	    table: string;
	    key: string;
	    case: string;
	    choices: string[];
	    choice: string;
	    detail: string;
	}
	export interface RebalanceDimension {
	    by: string;
	    state: string;
	    recommended: boolean;
	    reason: string;
	    over?: number | null;
	    over_reason: string;
	    fullest: string;
	    since?: string | null;
	    since_reason: string;
	    seen_at?: string | null;
	    seen_at_reason: string;
	    seen_by: string;
	    age_ms?: number | null;
	}
	export interface ShardShare {
	    name: string;
	    tenants: number;
	    percent: number;
	    size_bytes?: number | null;
	    size_bytes_reason: string;
	    problem?: Problem | null;
	}
	export interface Distribution {
	    total: number;
	    shards: ShardShare[];
	    recommended: boolean;
	    recommended_reason: string;
	    uneven_since?: string | null;
	    uneven_since_reason: string;
	    dimensions: RebalanceDimension[];
	    kept?: string | null;
	    kept_reason: string;
	}
	export interface EndRequest {
	    shard: string;
	    pid: number;
	    started_at: string;
	    statement_at: string;
	    ours: boolean;
	    note: string;
	    confirm: string;
	}
	export interface Ended {
	    shard: string;
	    session: BackendView;
	    ended: boolean;
	    audit_event: string;
	}
	export interface Event {
	    id: string;
	    seq: number;
	    at: string;
	    actor: string;
	    actor_ref: string;
	    actor_role: string;
	    db_user: string;
	    action: string;
	    phase: string;
	    tenant: string;
	    source: string;
	    target: string;
	    status: string;
	    note: string;
	    move_id: string;
	    via: string;
	    hash: string;
	    before: Record<string, any>;
	    after: Record<string, any>;
	    details: Record<string, any>;
	}
	export interface EventList {
	    events: Event[];
	    copy_to?: number | null;
	    copy_at?: string | null;
	    copy_reason: string;
	    next: number;
	}
	export interface Finding {
	    check: string;
	    severity: string;
	    subject: string;
	    message: string;
	    value: string;
	    advice: string;
	    statement: string;
	    columns: string[];
	    rows: string[][];
	}
	export interface FlagView {
	    flag: string;
	    on: boolean;
	    where: string;
	    remedy: string;
	}
	export interface FleetCheck {
	    ok: boolean;
	    databases: DatabaseCheck[];
	    checked_at: string;
	}
	export interface ViewSession {
	    pid: number;
	    started_at?: string | null;
	}
	export interface ViewColumn {
	    name: string;
	    kind: string;
	}
	export interface ShardView {
	    name: string;
	    title: string;
	    group: string;
	    checked_at?: string | null;
	    over_ms?: number | null;
	    reason: string;
	    grant: string;
	    empty: string;
	    columns: ViewColumn[];
	    rows: string[][];
	    sessions: ViewSession[];
	}
	export interface FleetComparison {
	    fleet: string;
	    shards: ComparedShard[];
	    views: ShardView[];
	    checked_at: string;
	}
	export interface Growth {
	    state: string;
	    reason: string;
	    days: number;
	    bytes_per_day?: number | null;
	    bytes_per_day_from?: number | null;
	    bytes_per_day_to?: number | null;
	    full_in_days_from?: number | null;
	    full_in_days_to?: number | null;
	    full_in_days_reason: string;
	}
	export interface UnavailableCheck {
	    check: string;
	    reason: string;
	    grant: string;
	    later: boolean;
	}
	export interface ShardHealth {
	    name: string;
	    status: string;
	    latency_ms?: number | null;
	    connections?: number | null;
	    max_connections?: number | null;
	    cache_hit_rate?: number | null;
	    cache_hit_rate_reason: string;
	    cache_hit_rate_since?: string | null;
	    cache_hit_rate_since_reason: string;
	    index_hit_rate?: number | null;
	    index_hit_rate_reason: string;
	    index_hit_rate_since?: string | null;
	    index_hit_rate_since_reason: string;
	    size_bytes?: number | null;
	    growth: Growth;
	    findings: Finding[];
	    unavailable: UnavailableCheck[];
	    problem?: Problem | null;
	    checked_at: string;
	}
	export interface Health {
	    shards: ShardHealth[];
	    fleet: Finding[];
	}
	export interface HistoryMark {
	    at: number;
	    kind: string;
	    tenant: string;
	    label: string;
	    source: string;
	    target: string;
	    move: string;
	}
	export interface HistoryRequest {
	    shard: string;
	    metrics: string[];
	    since: string;
	    until: string;
	    points: number;
	    marks: boolean;
	}
	export interface Sampling {
	    on: boolean;
	    by: string;
	    process: number;
	    here: boolean;
	    since?: string | null;
	    reason: string;
	}
	export interface MetricHistory {
	    name: string;
	    title: string;
	    unit: string;
	    at: number[];
	    mean: number[];
	    least: number[];
	    most: number[];
	    reason: string;
	}
	export interface ShardHistory {
	    name: string;
	    kept_since?: string | null;
	    metrics: MetricHistory[];
	}
	export interface HistoryView {
	    from: number;
	    to: number;
	    step_seconds: number;
	    shards: ShardHistory[];
	    marks: HistoryMark[];
	    marks_reason: string;
	    sampling: Sampling;
	}
	export interface InstallView {
	    schema: string;
	    installed: boolean;
	    version: number;
	    wanted: number;
	}
	export interface LogLine {
	    at: string;
	    level: string;
	    message: string;
	}
	export interface MapTable {
	    table: string;
	    kind: string;
	    mixed: boolean;
	    tenant_column: string;
	    path: string[];
	    follows: string;
	    rows_estimate?: number | null;
	    moves: boolean;
	    edges: string[];
	}
	export interface MapView {
	    profile: string;
	    database: string;
	    tables: MapTable[];
	    unclassified: number;
	    problems: string[];
	}
	
	
	export interface MoveAction {
	    id: string;
	    note: string;
	    confirm: string;
	    routing_confirmed: boolean;
	    repair: boolean;
	    wait: boolean;
	    password: string;
	}
	export interface MoveBehind {
	    shard: string;
	    rows: number;
	    at_least: boolean;
	    oldest_ms?: number | null;
	    oldest_at_most: boolean;
	    oldest_ms_reason: string;
	    at: string;
	}
	export interface QueueState {
	    paused: boolean;
	    paused_at?: string | null;
	    paused_by: string;
	    paused_why: string;
	    windows: string;
	    window_open: boolean;
	    window_opens_at?: string | null;
	    window_closes_at?: string | null;
	    per_fleet?: number | null;
	    per_shard: number;
	    changed_by: string;
	    changed_at?: string | null;
	}
	export interface MoveTable {
	    table: string;
	    kind: string;
	    rows: number;
	    bytes: number;
	    rows_copied: number;
	    bytes_copied: number;
	    verified: boolean;
	    rows_per_s?: number | null;
	    bytes_per_s?: number | null;
	}
	export interface TimeRange {
	    low: number;
	    high: number;
	}
	export interface MoveView {
	    id: string;
	    tenant: string;
	    label: string;
	    source: string;
	    target: string;
	    mode: string;
	    state: string;
	    step: string;
	    phase: string;
	    hold: boolean;
	    held: boolean;
	    goes_on: boolean;
	    repairable: boolean;
	    rows: number;
	    bytes: number;
	    rows_copied: number;
	    bytes_copied: number;
	    slowed: string;
	    rows_per_s?: number | null;
	    bytes_per_s?: number | null;
	    rate_reason: string;
	    time_left_ms?: TimeRange | null;
	    time_left_until: string;
	    time_left_reason: string;
	    measured_at?: string | null;
	    behind?: MoveBehind | null;
	    behind_reason: string;
	    max_read_only_ms: number;
	    write_pause_ms?: number | null;
	    read_only_since?: string | null;
	    verified: boolean;
	    verified_at?: string | null;
	    created_by: string;
	    note: string;
	    created_at: string;
	    started_at?: string | null;
	    switched_at?: string | null;
	    finished_at?: string | null;
	    error?: Problem | null;
	    next: string[];
	    actions: string[];
	    owner: string;
	    stands_still: boolean;
	    settled: boolean;
	    tables: MoveTable[];
	    log: LogLine[];
	    checks: Check[];
	}
	export interface MoveList {
	    moves: MoveView[];
	    queue?: QueueState | null;
	    queue_reason: string;
	}
	export interface ReportRefused {
	    shard: string;
	    count?: number | null;
	    count_reason: string;
	}
	export interface ReportRow {
	    table: string;
	    key: string;
	}
	export interface ReportDigest {
	    rows: number;
	    sum_a: string;
	    sum_b: string;
	    sha256: string;
	}
	export interface ReportTable {
	    table: string;
	    kind: string;
	    rows: number;
	    bytes: number;
	    rows_copied: number;
	    bytes_copied: number;
	    verified: boolean;
	    digest?: ReportDigest | null;
	    digest_reason: string;
	}
	export interface ReportStep {
	    at: string;
	    state: string;
	    step: string;
	    error_code: string;
	}
	export interface ReportPhase {
	    phase: string;
	    began_at: string;
	    ended_at?: string | null;
	    duration_ms?: number | null;
	    duration_ms_reason: string;
	}
	export interface MoveReport {
	    fleet: string;
	    environment: string;
	    made_at: string;
	    move: MoveView;
	    mode_reason: string;
	    phases: ReportPhase[];
	    steps: ReportStep[];
	    tables: ReportTable[];
	    decisions: Decision[];
	    shared_copies: ReportRow[];
	    kept_on_source: ReportRow[];
	    refused_writes: ReportRefused[];
	    events: Event[];
	    chain_ok: boolean;
	    chain_reason: string;
	    safe: string;
	}
	export interface MoveRequest {
	    tenant: string;
	    target: string;
	    mode: string;
	    max_read_only_ms: number;
	    hold: boolean;
	    full_speed: boolean;
	    priority: number;
	    at: string;
	    note: string;
	    confirm: string;
	    bulk: boolean;
	    decisions: Decision[];
	    accept_alone: boolean;
	}
	
	
	export interface OperatorView {
	    email: string;
	    role: string;
	    db_role: string;
	    listed: boolean;
	    why: string;
	}
	export interface Placement {
	    id: string;
	    label: string;
	    pointer: string;
	    rows_on: string[];
	    rows_on_reason: string;
	    ok: boolean;
	    why: string;
	}
	export interface PlacementCheck {
	    ok: boolean;
	    checked: number;
	    tenants: Placement[];
	    disagree: number;
	    unreachable: string[];
	}
	export interface Replacing {
	    table: string;
	    column: string;
	    rule: string;
	    rows: number;
	    references: string[];
	}
	export interface TableRows {
	    table: string;
	    kind: string;
	    rows: number;
	    bytes: number;
	}
	export interface Plan {
	    tenant: string;
	    label: string;
	    source: string;
	    target: string;
	    mode: string;
	    mode_reason: string;
	    tables: TableRows[];
	    rows: number;
	    bytes: number;
	    estimate_ms?: number | null;
	    pause_ms?: number | null;
	    estimate_ms_reason: string;
	    max_read_only_ms: number;
	    decisions: Decision[];
	    replacing: Replacing[];
	    checks: Check[];
	    blocked: boolean;
	    notices: string[];
	    made_at: string;
	}
	export interface PolicyView {
	    me: OperatorView;
	    operators: OperatorView[];
	    flags: FlagView[];
	}
	
	export interface QueueRequest {
	    note: string;
	    confirm: string;
	}
	
	export interface RebalanceCandidate {
	    shard: string;
	    allowed: boolean;
	    reason: string;
	}
	export interface RebalanceHot {
	    tenant: string;
	    label: string;
	    shard: string;
	    load: number;
	    share: number;
	}
	export interface RebalanceLoad {
	    method: string;
	    from?: string | null;
	    to?: string | null;
	    reason: string;
	    hottest: RebalanceHot[];
	}
	export interface RebalancePin {
	    tenant: string;
	    label: string;
	    shard: string;
	    reason: string;
	}
	export interface RebalanceLarge {
	    tenant: string;
	    label: string;
	    shard: string;
	    bytes: number;
	    share: number;
	}
	export interface RebalanceOversized {
	    tenant: string;
	    label: string;
	    shard: string;
	    bytes: number;
	    ratio: number;
	    reason: string;
	}
	export interface RebalanceLeft {
	    shard: string;
	    reason: string;
	}
	export interface RebalanceRejected {
	    tenant: string;
	    label: string;
	    source: string;
	    target: string;
	    bytes: number;
	    constraint: string;
	    reason: string;
	}
	export interface RebalanceShardAfter {
	    name: string;
	    bytes?: number | null;
	    bytes_reason: string;
	    load?: number | null;
	    load_reason: string;
	    tenants: number;
	    use?: number | null;
	    use_reason: string;
	    peak_bytes?: number | null;
	    peak_bytes_reason: string;
	}
	export interface RebalanceBalance {
	    max?: number | null;
	    min?: number | null;
	    reason: string;
	    outside: number;
	    misplaced: number;
	}
	export interface RebalanceUse {
	    bytes?: number | null;
	    bytes_reason: string;
	    load?: number | null;
	    load_reason: string;
	    tenants: number;
	    use?: number | null;
	    use_reason: string;
	    peak_bytes?: number | null;
	    peak_bytes_reason: string;
	}
	export interface RebalanceMove {
	    tenant: string;
	    label: string;
	    source: string;
	    target: string;
	    bytes: number;
	    rows: number;
	    why: string;
	    reason: string;
	    source_before: RebalanceUse;
	    source_after: RebalanceUse;
	    target_before: RebalanceUse;
	    target_after: RebalanceUse;
	}
	export interface RebalancePlan {
	    id: string;
	    strategy: string;
	    goal: number;
	    moves: RebalanceMove[];
	    bytes: number;
	    rows: number;
	    before: RebalanceBalance;
	    after: RebalanceBalance;
	    estimate_ms?: number | null;
	    estimate_slow_ms?: number | null;
	    estimate_ms_reason: string;
	    shards: RebalanceShardAfter[];
	    stopped: string;
	    rejected: RebalanceRejected[];
	    rejected_total: number;
	    left: RebalanceLeft[];
	}
	export interface RebalanceShard {
	    name: string;
	    placement: string;
	    region: string;
	    labels: Record<string, string>;
	    dedicated: string[];
	    capacity_bytes?: number | null;
	    takes_part: boolean;
	    note: string;
	    bytes?: number | null;
	    bytes_reason: string;
	    load?: number | null;
	    load_reason: string;
	    tenants: number;
	    use?: number | null;
	    use_reason: string;
	    peak_bytes?: number | null;
	    peak_bytes_reason: string;
	}
	export interface Rebalance {
	    fleet: string;
	    environment: string;
	    needed: boolean;
	    recommended: boolean;
	    recommended_reason: string;
	    uneven_since?: string | null;
	    uneven_since_reason: string;
	    dimensions: RebalanceDimension[];
	    kept?: string | null;
	    kept_reason: string;
	    verdict: string;
	    threshold: number;
	    by: string[];
	    tenants: number;
	    mean_bytes: number;
	    cool_down_ms: number;
	    shards: RebalanceShard[];
	    plans: RebalancePlan[];
	    oversized: RebalanceOversized[];
	    largest: RebalanceLarge[];
	    pins: RebalancePin[];
	    load: RebalanceLoad;
	    placement: RebalanceCandidate[];
	    notes: string[];
	    checked_at: string;
	}
	export interface RebalanceOne {
	    tenant: string;
	    label: string;
	    source: string;
	    target: string;
	    status: string;
	    move_id: string;
	    audit_event: string;
	    problem?: Problem | null;
	}
	export interface RebalanceApplied {
	    plan: string;
	    strategy: string;
	    dry_run: boolean;
	    moves: RebalanceOne[];
	    queued: number;
	    assigned: number;
	    refused: number;
	    audit_event: string;
	    workers: number;
	}
	export interface RebalanceApply {
	    by: string[];
	    max_moves: number;
	    max_bytes: number;
	    strategy: string;
	    plan: string;
	    dry_run: boolean;
	    note: string;
	    confirm: string;
	}
	
	
	
	
	
	
	
	
	
	
	
	
	export interface RebalanceRequest {
	    by: string[];
	    max_moves: number;
	    max_bytes: number;
	}
	
	
	
	
	
	export interface ReportKind {
	    kind: string;
	    title: string;
	    holds: string;
	    needs: string;
	}
	
	export interface ReportPreview {
	    html: string;
	    statement: string;
	    count: number;
	    period_events: number;
	    chain_ok: boolean;
	}
	
	export interface ReportRequest {
	    kind: string;
	    format: string;
	    filter: AuditFilter;
	    zone: string;
	    raw_cells: boolean;
	    proof: boolean;
	    mirror: boolean;
	    note: string;
	}
	
	export interface ReportSchedule {
	    name: string;
	    kind: string;
	    format: string;
	    every: string;
	    time_of_day: string;
	    zone: string;
	    folder: string;
	    mail: string;
	    status: string;
	    missing: number;
	    status_reason: string;
	    due_at?: string | null;
	    next_at: string;
	    delivered_at?: string | null;
	    delivered_at_reason: string;
	    delivered_until?: string | null;
	    failed_at?: string | null;
	}
	
	
	
	
	export interface SaveFilterRequest {
	    name: string;
	    filter: AuditFilter;
	    replace: boolean;
	}
	export interface SavedFilter {
	    name: string;
	    filter: AuditFilter;
	    made_at: string;
	    reason: string;
	}
	export interface SavedFilterList {
	    filters: SavedFilter[];
	}
	export interface ScheduleList {
	    schedules: ReportSchedule[];
	    workers: number;
	}
	
	
	
	export interface ShardStats {
	    name: string;
	    tenants: number;
	    table_count: number;
	    size_bytes: number;
	    index_bytes: number;
	    counts: Record<string, number>;
	    checked_at: string;
	}
	export interface ShardStatus {
	    name: string;
	    configured: boolean;
	    reachable: boolean;
	    in_control: boolean;
	    database: string;
	    host: string;
	    port: number;
	    tls: string;
	    status: string;
	    version: string;
	    tenants?: number | null;
	    tenants_reason: string;
	    size_bytes?: number | null;
	    size_bytes_reason: string;
	    capacity_bytes?: number | null;
	    latency_ms?: number | null;
	    latency_ms_reason: string;
	    connections?: number | null;
	    max_connections?: number | null;
	    placement: string;
	    region: string;
	    open_moves?: number | null;
	    open_moves_reason: string;
	    error?: string | null;
	    problem?: Problem | null;
	    answered_at?: string | null;
	    answered_at_reason: string;
	    checked_at: string;
	}
	
	export interface ShardViews {
	    name: string;
	    views: ShardView[];
	    checked_at: string;
	}
	export interface SilenceRequest {
	    shard: string;
	    rule: string;
	    begins: string;
	    ends: string;
	    every: string;
	    note: string;
	}
	
	export interface Status {
	    fleet: string;
	    environment: string;
	    profile: string;
	    control: ShardStatus;
	    shards: ShardStatus[];
	    tenants?: number | null;
	    tenants_reason: string;
	    answering: number;
	    configured: number;
	    installed: boolean;
	    install_note: string;
	    installed_reason: string;
	    queue?: QueueState | null;
	    queue_reason: string;
	    checked_at: string;
	}
	
	export interface TenantFilter {
	    shard: string;
	    search: string;
	    sort: string;
	    limit: number;
	    offset: number;
	    full: boolean;
	    state: string;
	    demo: string;
	    min_bytes: number;
	}
	export interface TenantRow {
	    id: string;
	    label: string;
	    title: string;
	    shard: string;
	    status?: string | null;
	    demo?: boolean | null;
	    created_at?: string | null;
	    move_state?: string | null;
	    move_id?: string | null;
	    move_reason: string;
	    fields: Record<string, string>;
	    rows_estimate?: number | null;
	    bytes_estimate?: number | null;
	    estimate_reason: string;
	    changed_at?: string | null;
	}
	export interface TenantList {
	    total: number;
	    tenants: TenantRow[];
	    fields: string[];
	    changed_reason: string;
	}
	
	export interface TenantView {
	    id: string;
	    label: string;
	    title: string;
	    shard: string;
	    status?: string | null;
	    demo?: boolean | null;
	    created_at?: string | null;
	    move_state?: string | null;
	    move_id?: string | null;
	    move_reason: string;
	    fields: Record<string, string>;
	    rows_estimate?: number | null;
	    bytes_estimate?: number | null;
	    estimate_reason: string;
	    changed_at?: string | null;
	    tables: TableRows[];
	    tables_reason: string;
	    rows: number;
	    bytes: number;
	    counted_at: string;
	    history: Event[];
	    history_reason: string;
	    move?: MoveView | null;
	}
	
	
	

}

