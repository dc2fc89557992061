import { Tabs } from "@mantine/core";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { FigureBones, TableBones } from "../../app/Bones";
import { useStatus } from "../../app/current";
import { RowsEstimate, SizeEstimate } from "../../app/Estimates";
import { HostKey, unaccepted } from "../../app/HostKey";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { ActionButton, useHere } from "../../app/Reach";
import type { ShardHealth, ShardStats, ShardStatus, TenantRow } from "../../bridge";
import { Age } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { Mono } from "../../ui/Copy";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Figure, Figures, Value } from "../../ui/Figure";
import { bytes, count, millis, percent, size } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, Status, shardStatus } from "../../ui/Status";
import { type EndAsked, EndSession } from "./End";
import { FindingList, NotChecked } from "./Findings";
import { Health } from "./Health";
import { History } from "./History";
import { useLargest, useShardHealth, useShardStats } from "./queries";
import { Space } from "./Space";
import { ShardTenants } from "./Tenants";
import { Views } from "./Views";

const overview = "overview";

/** Counted says of which reads a share is: of those since a moment, which may be months ago. */
function Counted({ what, rate, since, reason }: { what: string; rate?: number | null; since?: string | null; reason?: string }) {
  if (typeof rate !== "number") return <>of {what}</>;
  if (!since)
    return (
      <span title={reason}>
        of all {what} ever counted<span className="hidden">: {reason}</span>
      </span>
    );
  return (
    <>
      of {what} from <Age at={since} className="" /> on
    </>
  );
}

/** tabs are the parts of a shard, in the order in which they are looked at. */
const tabs: [value: string, title: string][] = [
  [overview, "Overview"],
  ["tenants", "Tenants"],
  ["health", "Health"],
  ["queries", "Queries"],
  ["locks", "Locks"],
  ["tables", "Tables and indexes"],
  ["space", "Space and growth"],
  ["replication", "Replication"],
  ["settings", "Settings"],
  ["history", "History"],
];

/** groups are the tabs that a shard's server itself tells. */
const groups = ["queries", "locks", "tables", "replication", "settings"];

export function ShardScreen() {
  const { name } = useParams({ from: "/shards/$name" });
  const { tab } = useSearch({ from: "/shards/$name" });
  const status = useStatus();
  const shard = status.data?.shards.find((s) => s.name === name);
  const known = shard?.configured === true;
  const health = useShardHealth(name, known);
  const stats = useShardStats(name, known && shard.reachable);
  const h = health.data?.shards.find((s) => s.name === name);
  const [tone, word] = shardStatus(shard?.status ?? "");
  const navigate = useNavigate();
  const [checking, setChecking] = useState(false);
  const [ending, setEnding] = useState<EndAsked & { at: number }>();
  const ask = (asked: EndAsked) => setEnding({ ...asked, at: Date.now() });
  const check = () => {
    setChecking(true);
    void Promise.all([status.refetch(), health.refetch(), stats.refetch()]).finally(() => setChecking(false));
  };
  useHere({
    "shard.check": known ? check : undefined,
    "shard.tenants": shard ? () => void navigate({ to: "/tenants", search: { shard: name } }) : undefined,
    "session.cancel": known && shard.reachable ? () => ask({ id: "session.cancel", pid: 0, startedAt: "" }) : undefined,
    "session.end": known && shard.reachable ? () => ask({ id: "session.end", pid: 0, startedAt: "" }) : undefined,
  });
  return (
    <Main>
      <Head
        title={name}
        sub={
          shard ? (
            <>
              <Status tone={tone}>{word}</Status>
              {shard.host && !shard.host.startsWith("/") ? (
                <Mono text={`${shard.host}:${shard.port}/${shard.database}`} what="the address" />
              ) : null}
              {shard.in_control ? <span className="tag">in control</span> : null}
              {shard.placement && shard.placement !== "open" ? <span className="tag">{shard.placement}</span> : null}
            </>
          ) : null
        }
      >
        <ActionButton id="shard.tenants" variant="default" disabled={!shard}>
          Its tenants
        </ActionButton>
        <ActionButton id="shard.check" variant="default" disabled={!shard} loading={health.isRefetching && checking}>
          Check now
        </ActionButton>
      </Head>
      {!status.data && !status.isError ? <FigureBones what="the shard" /> : null}
      <Loaded data={status.data ?? (status.isError ? undefined : null)} problem={problemOf(status)} what="the shard" onRetry={check}>
        {(s) =>
          s === null ? null : shard ? (
            <Tabs
              value={tab ?? overview}
              onChange={(to) =>
                void navigate({
                  to: "/shards/$name",
                  params: { name },
                  search: { tab: to === overview ? undefined : (to ?? undefined) },
                  replace: true,
                })
              }
              keepMounted={false}
            >
              {shard.configured ? (
                <Tabs.List mb={16}>
                  {tabs.map(([value, title]) => (
                    <Tabs.Tab key={value} value={value}>
                      {title}
                    </Tabs.Tab>
                  ))}
                </Tabs.List>
              ) : null}
              <Tabs.Panel value={overview}>
                <Body shard={shard} h={h} health={health} stats={stats} fleet={status.data?.fleet ?? ""} onCheck={check} />
              </Tabs.Panel>
              <Tabs.Panel value="tenants">
                <ShardTenants shard={shard} />
              </Tabs.Panel>
              <Tabs.Panel value="health">
                <Health shard={shard} h={h} health={health} />
              </Tabs.Panel>
              <Tabs.Panel value="space">
                <Space shard={shard} h={h} stats={stats} />
              </Tabs.Panel>
              <Tabs.Panel value="history">
                <History shard={name} />
              </Tabs.Panel>
              {groups.map((group) => (
                <Tabs.Panel key={group} value={group}>
                  <Views shard={name} group={group} on={shard.reachable} onAsk={ask} />
                </Tabs.Panel>
              ))}
            </Tabs>
          ) : (
            <section className="panel">
              <Empty title={`This fleet has no shard ${name}`} action={<Link to="/">All shards</Link>} />
            </section>
          )
        }
      </Loaded>
      {ending ? <EndSession key={ending.at} shard={name} asked={ending} at={ending.at} onClose={() => setEnding(undefined)} /> : null}
    </Main>
  );
}

function Body({
  shard,
  h,
  health,
  stats,
  fleet,
  onCheck,
}: {
  shard: ShardStatus;
  h: ShardHealth | undefined;
  health: ReturnType<typeof useShardHealth>;
  stats: ReturnType<typeof useShardStats>;
  fleet: string;
  onCheck: () => void;
}) {
  if (!shard.configured)
    return (
      <section className="panel">
        <Empty
          title="Known, but not configured"
          action={
            <Link to="/settings" search={{ tab: "fleets", add: undefined }}>
              Fleets and connections
            </Link>
          }
        >
          The fleet's file names this shard and gives no connection, so it is shown and refused as a target.
        </Empty>
      </section>
    );
  const dbSize = typeof shard.size_bytes === "number" ? size(shard.size_bytes) : null;
  return (
    <>
      {shard.problem ? (
        <div style={{ marginBottom: 16 }}>
          <ErrorPanel
            what={shard.reachable ? `${shard.name} answers, but not everything could be read` : `${shard.name} does not answer`}
            problem={shard.problem}
            onRetry={onCheck}
          />
          {unaccepted(shard.problem) ? <HostKey of={{ fleet, database: shard.name }} onTrusted={onCheck} /> : null}
        </div>
      ) : null}
      <Figures label="The shard in figures">
        <Figure
          label="Tenants"
          value={typeof shard.tenants === "number" ? count(shard.tenants) : null}
          reason={shard.tenants_reason}
          detail="in the catalogue"
        />
        <Figure
          label="Size"
          value={dbSize?.value}
          unit={dbSize?.unit}
          reason={shard.size_bytes_reason}
          detail={room(shard.capacity_bytes, h?.growth)}
        />
        <Figure
          label="Latency"
          value={typeof shard.latency_ms === "number" ? millis(shard.latency_ms) : null}
          reason={shard.latency_ms_reason}
          detail="one round trip"
        />
        <Figure
          label="Connections"
          value={typeof shard.connections === "number" ? String(shard.connections) : null}
          unit={typeof shard.max_connections === "number" ? `of ${shard.max_connections}` : undefined}
          reason={shard.error ?? "not known"}
          detail="open now"
        />
        <Figure
          label="Cache hits"
          value={typeof h?.cache_hit_rate === "number" ? percent(h.cache_hit_rate) : null}
          reason={h?.cache_hit_rate_reason || "being read"}
          detail={
            <Counted what="table reads" rate={h?.cache_hit_rate} since={h?.cache_hit_rate_since} reason={h?.cache_hit_rate_since_reason} />
          }
        />
        <Figure
          label="Index hits"
          value={typeof h?.index_hit_rate === "number" ? percent(h.index_hit_rate) : null}
          reason={h?.index_hit_rate_reason || "being read"}
          detail={
            <Counted what="index reads" rate={h?.index_hit_rate} since={h?.index_hit_rate_since} reason={h?.index_hit_rate_since_reason} />
          }
        />
      </Figures>
      <div className="cols">
        <div className="stack" style={{ gap: 16 }}>
          <Panel title="Findings" age={<Age at={h?.checked_at} />}>
            <Loaded data={h} problem={problemOf(health) ?? h?.problem ?? null} what="the findings" onRetry={() => void health.refetch()}>
              {(x: ShardHealth) =>
                x.findings.length === 0 ? (
                  x.problem ? null : (
                    <div className="passed">
                      <Mark tone="ok" />
                      <div>
                        <p className="medium">Nothing to report</p>
                        <p className="muted small">{checked}</p>
                      </div>
                    </div>
                  )
                ) : (
                  <FindingList list={x.findings} />
                )
              }
            </Loaded>
            {h && h.unavailable.length > 0 ? <NotChecked list={h.unavailable} /> : null}
          </Panel>
          <Largest shard={shard} />
          <Panel title="Contents" age={<Age at={stats.data?.checked_at} />}>
            {shard.reachable ? (
              <Loaded data={stats.data} problem={problemOf(stats)} what="the contents" onRetry={() => void stats.refetch()}>
                {(x: ShardStats) => (
                  <dl className="kv num">
                    <div>
                      <dt>Tables</dt>
                      <dd>{count(x.table_count)}</dd>
                    </div>
                    <div>
                      <dt>Indexes</dt>
                      <dd>
                        {bytes(x.index_bytes)} <span className="faint">of {bytes(x.size_bytes)}</span>
                      </dd>
                    </div>
                    {Object.entries(x.counts)
                      .sort(([a], [b]) => a.localeCompare(b))
                      .map(([what, n]) => (
                        <div key={what}>
                          <dt>{what.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase())}</dt>
                          <dd>{count(n)}</dd>
                        </div>
                      ))}
                  </dl>
                )}
              </Loaded>
            ) : (
              <Empty title="Not known while the shard does not answer" />
            )}
          </Panel>
        </div>
        <Panel title="Connection" age={<Age at={shard.checked_at} />} pad>
          <dl className="facts">
            <dt>Host</dt>
            <dd>{shard.host ? <Mono text={shard.host} what="the host" /> : "—"}</dd>
            <dt>Port</dt>
            <dd className="mono">{shard.port || "—"}</dd>
            <dt>Database</dt>
            <dd className="mono">{shard.database || "—"}</dd>
            <dt>Version</dt>
            <dd>{shard.version || "—"}</dd>
            <dt>TLS</dt>
            <dd>{shard.tls === "disable" ? "off" : shard.tls || "none"}</dd>
            <dt>Placement</dt>
            <dd>{shard.placement || "open"}</dd>
            {shard.region ? (
              <>
                <dt>Region</dt>
                <dd>{shard.region}</dd>
              </>
            ) : null}
            <dt>Open moves</dt>
            <dd>
              <Value of={shard.open_moves} reason={shard.open_moves_reason}>
                {shard.open_moves ? <Link to="/moves">{shard.open_moves}</Link> : "none"}
              </Value>
            </dd>
            {shard.in_control ? (
              <>
                <dt>Control</dt>
                <dd>the shard lives in the control database</dd>
              </>
            ) : null}
          </dl>
        </Panel>
      </div>
    </>
  );
}

/** Largest are the shard's tenants with most bytes, as the planner estimates them. */
function Largest({ shard }: { shard: ShardStatus }) {
  const navigate = useNavigate();
  const q = useLargest(shard.name);
  const all = shard.size_bytes;
  const columns: Column<TenantRow>[] = [
    {
      key: "label",
      head: "Tenant",
      cell: (t) => (
        <span className="row">
          <Link to="/tenants/$id" params={{ id: t.id }} search={{}} className="strong" style={{ color: "inherit" }}>
            {t.label || t.id}
          </Link>
          <span className="muted cut">{t.title}</span>
        </span>
      ),
    },
    {
      key: "rows",
      head: "Rows ≈",
      right: true,
      cell: (t) => <RowsEstimate of={t} />,
    },
    {
      key: "size",
      head: "Size ≈",
      right: true,
      cell: (t) => <SizeEstimate of={t} />,
    },
    {
      key: "share",
      head: "Of the shard",
      width: 150,
      cell: (t) =>
        typeof t.bytes_estimate === "number" && typeof all === "number" && all > 0 ? (
          <span className="cap">
            <Bar share={t.bytes_estimate / all} label={`${t.label || t.id} of the shard`} />
            <span className="num faint">{percent(t.bytes_estimate / all)}</span>
          </span>
        ) : (
          <Value of={null} reason={t.estimate_reason || shard.size_bytes_reason}>
            {null}
          </Value>
        ),
    },
  ];
  return (
    <Panel
      title="Largest tenants"
      age={
        <>
          <Link to="/tenants" search={{ shard: shard.name, sort: "-size" }}>
            All {typeof shard.tenants === "number" ? count(shard.tenants) : ""}
          </Link>
          <Age at={q.dataUpdatedAt} />
        </>
      }
    >
      {!q.data && !q.isError ? (
        <TableBones what="its tenants" columns={4} rows={6} />
      ) : (
        <Loaded data={q.data} problem={problemOf(q)} what="its tenants" onRetry={() => void q.refetch()}>
          {(list) =>
            list.tenants.length === 0 ? (
              <Empty title="No tenants">The catalogue points no tenant here.</Empty>
            ) : (
              <DataTable
                label="Largest tenants"
                keyboard
                compact
                columns={columns}
                rows={list.tenants}
                rowKey={(t) => t.id}
                onOpen={(t) => void navigate({ to: "/tenants/$id", params: { id: t.id } })}
              />
            )
          }
        </Loaded>
      )}
    </Panel>
  );
}

const checked =
  "Looked at: whether it answers and takes writes, sessions and locks, load, storage, indexes, replication, archiving and settings.";

/** room is what there is for a shard, and for how long as it grows. */
function room(capacity: number | null | undefined, growth: ShardHealth["growth"] | undefined): string {
  if (typeof capacity !== "number") return "no capacity set";
  const of = `of ${bytes(capacity)}`;
  const soonest = growth?.full_in_days_from;
  if (typeof soonest !== "number") return of;
  const latest = growth?.full_in_days_to;
  return typeof latest === "number" && latest > soonest ? `${of}, full in ${soonest}–${latest} days` : `${of}, full in ${soonest} days`;
}
