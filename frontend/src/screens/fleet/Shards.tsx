import { Button, SegmentedControl } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { CardBones, TableBones } from "../../app/Bones";
import { useStatus } from "../../app/current";
import { HostKey, unaccepted } from "../../app/HostKey";
import { problemOf } from "../../app/problem";
import type { HistoryView, MetricHistory, ShardHealth, ShardStatus } from "../../bridge";
import { Spark } from "../../charts/Spark";
import { Age } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { type Column, DataTable, readSort, writeSort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Value } from "../../ui/Figure";
import { bytes, count, millis, percent, plural } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";
import { Status, shardStatus } from "../../ui/Status";
import { cardsUpTo, findings, fullness, worstFirst } from "./figures";
import { useDay, useHealth } from "./queries";

const route = getRouteApi("/");

/** Shards shows every shard, as cards while they are few, the worst first. */
export function Shards() {
  const status = useStatus();
  const health = useHealth();
  const navigate = useNavigate();
  const { sort, view } = route.useSearch();
  const byName = useMemo(() => new Map((health.data?.shards ?? []).map((h) => [h.name, h])), [health.data]);
  const rows = useMemo(() => worstFirst(status.data?.shards ?? [], byName), [status.data, byName]);
  const day = useDay();
  const courses = useMemo(() => dayOf(day.data), [day.data]);
  const cards = view === "cards" || (view !== "table" && rows.length <= cardsUpTo);
  const silent = rows.filter((s) => s.configured && !s.reachable);
  const retry = () => {
    void status.refetch();
    void health.refetch();
  };
  const problem = problemOf(status);
  const unknown = silent.find((s) => unaccepted(s.problem));
  return (
    <Panel
      title="Shards"
      note={sort && !cards ? "" : "worst first"}
      age={
        <>
          {unknown && status.data ? <HostKey of={{ fleet: status.data.fleet, database: unknown.name }} onTrusted={retry} /> : null}
          {silent.length > 0 ? (
            <Button size="xs" variant="default" loading={status.isFetching} onClick={retry}>
              {silent.length === 1 ? `Retry ${silent[0]?.name}` : `Retry ${silent.length} shards`}
            </Button>
          ) : null}
          <SegmentedControl
            size="xs"
            aria-label="Show shards as"
            value={cards ? "cards" : "table"}
            data={[
              { value: "cards", label: "Cards" },
              { value: "table", label: "Table" },
            ]}
            onChange={(next) => void navigate({ to: "/", search: (s) => ({ ...s, view: next }), replace: true })}
          />
          {status.data ? <Age at={status.data.checked_at} /> : null}
        </>
      }
    >
      {!status.data && !problem ? (
        cards ? (
          <CardBones what="the shards" />
        ) : (
          <TableBones what="the shards" columns={8} rows={5} />
        )
      ) : (
        <Loaded data={status.data} problem={problem} what="the shards" rows={6} onRetry={retry}>
          {() =>
            rows.length === 0 ? (
              <Empty
                title="No shards"
                action={
                  <Link to="/settings" search={{ tab: "fleets", add: undefined }}>
                    Fleets and connections
                  </Link>
                }
              >
                A fleet's file lists its shards. Add them in Settings.
              </Empty>
            ) : cards ? (
              <ul className="cards">
                {rows.map((s) => (
                  <Card key={s.name} s={s} h={byName.get(s.name)} day={courses} />
                ))}
              </ul>
            ) : (
              <DataTable
                label="Shards"
                keyboard
                columns={columns(byName, courses)}
                rows={rows}
                rowKey={(s) => s.name}
                maxHeight={rows.length > 14 ? 560 : undefined}
                onOpen={(s) => void navigate({ to: "/shards/$name", params: { name: s.name } })}
                sort={readSort(sort)}
                onSort={(next) => void navigate({ to: "/", search: (s) => ({ ...s, sort: writeSort(next) }), replace: true })}
              />
            )
          }
        </Loaded>
      )}
    </Panel>
  );
}

/** Day is how figures of the shards went in a day. */
interface Day {
  from: number;
  to: number;
  of: (shard: string, metric: string) => MetricHistory | undefined;
}

function dayOf(v: HistoryView | undefined): Day {
  const by = new Map((v?.shards ?? []).flatMap((s) => s.metrics.map((m) => [`${s.name} ${m.name}`, m] as const)));
  return { from: v?.from ?? 0, to: v?.to ?? 0, of: (shard, metric) => by.get(`${shard} ${metric}`) };
}

/** Sparks are a shard's day; nothing where nothing of it was measured. */
function Sparks({ of: shard, day }: { of: string; day: Day }) {
  const list = ["latency_ms", "connections", "size_bytes"].map((m) => day.of(shard, m));
  if (!list.some((m) => m?.mean.some((v) => typeof v === "number"))) return null;
  return (
    <dl className="sparks">
      {list.map((m) =>
        m ? (
          <div key={m.name}>
            <dt>{m.title}, 24 h</dt>
            <dd>
              <Spark of={m} from={day.from} to={day.to} width={120} />
            </dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

/** where says in a word where a shard lives. */
function where(s: ShardStatus): string {
  return s.in_control ? "in control" : s.host.startsWith("/") ? "local socket" : s.host;
}

function Place({ s }: { s: ShardStatus }) {
  return (
    <>
      <span className="mono faint cut" title={s.host ? `${s.host}:${s.port} ${s.database}` : undefined}>
        {where(s)}
      </span>
      {s.placement && s.placement !== "open" ? <span className="tag">{s.placement}</span> : null}
      {s.region ? <span className="tag">{s.region}</span> : null}
    </>
  );
}

function Card({ s, h, day }: { s: ShardStatus; h: ShardHealth | undefined; day: Day }) {
  const [tone, word] = shardStatus(s.status);
  const silent = s.configured && !s.reachable;
  return (
    <li className="card" data-tone={tone}>
      <div className="row">
        <Link to="/shards/$name" params={{ name: s.name }} className="strong title cut">
          {s.name}
        </Link>
        <Place s={s} />
        <span className="end">
          <Status tone={tone} title={s.error ?? undefined}>
            {word}
          </Status>
        </span>
      </div>
      {silent ? (
        <>
          <p className="why" title={s.problem?.hint}>
            {s.problem?.message ?? s.error ?? "It does not answer."}
          </p>
          <p className="small muted cut" title={s.answered_at_reason || undefined}>
            {s.answered_at ? <Age at={s.answered_at} before="answered last " className="" /> : s.answered_at_reason}
          </p>
        </>
      ) : s.configured ? (
        <Capacity s={s} wide />
      ) : (
        <p className="why">
          Known, but the fleet's file has no connection.{" "}
          <Link to="/settings" search={{ tab: "fleets", add: undefined }}>
            Connect…
          </Link>
        </p>
      )}
      <dl className="counts num">
        <Pair label="Tenants">
          <Value of={s.tenants} reason={s.tenants_reason}>
            {count(s.tenants ?? 0)}
          </Value>
        </Pair>
        <Pair label="Latency">
          <Value of={s.latency_ms} reason={s.latency_ms_reason || s.error || undefined}>
            {millis(s.latency_ms ?? 0)}
          </Value>
        </Pair>
        <Pair label="Connections">
          <Value of={s.connections} reason={s.error ?? "not known"}>
            {s.connections}
            {s.max_connections ? <span className="faint"> / {s.max_connections}</span> : null}
          </Value>
        </Pair>
        <Pair label="Findings">
          <Findings s={s} h={h} />
        </Pair>
        <Pair label="Moves">
          <Value of={s.open_moves} reason={s.open_moves_reason}>
            {s.open_moves ? <Link to="/moves">{s.open_moves}</Link> : <span className="faint">none</span>}
          </Value>
        </Pair>
      </dl>
      <Sparks of={s.name} day={day} />
    </li>
  );
}

function Pair({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function columns(byName: Map<string, ShardHealth>, day: Day): Column<ShardStatus>[] {
  return [
    {
      key: "name",
      head: "Shard",
      by: (s) => s.name,
      cell: (s) => (
        <span className="row">
          <Link to="/shards/$name" params={{ name: s.name }} className="strong" style={{ color: "inherit" }}>
            {s.name}
          </Link>
          <Place s={s} />
        </span>
      ),
    },
    {
      key: "status",
      head: "Status",
      by: (s) => s.status,
      cell: (s) => {
        const [tone, word] = shardStatus(s.status);
        return (
          <Status tone={tone} title={s.error ?? undefined}>
            {word}
          </Status>
        );
      },
    },
    {
      key: "tenants",
      head: "Tenants",
      right: true,
      by: (s) => s.tenants,
      cell: (s) => (
        <Value of={s.tenants} reason={s.tenants_reason}>
          {count(s.tenants ?? 0)}
        </Value>
      ),
    },
    {
      key: "size",
      head: "Size and capacity",
      by: (s) => s.size_bytes,
      cell: (s) =>
        s.configured && !s.reachable ? (
          <span className="muted" title={s.problem?.hint}>
            {s.problem?.message ?? s.error ?? "no answer"}
          </span>
        ) : s.configured ? (
          <Capacity s={s} />
        ) : (
          <span className="muted">no connection in the fleet file</span>
        ),
    },
    {
      key: "latency",
      head: "Latency",
      right: true,
      by: (s) => s.latency_ms,
      cell: (s) => (
        <span className="row" style={{ justifyContent: "flex-end" }}>
          <span className="roomy">
            <Spark of={day.of(s.name, "latency_ms")} from={day.from} to={day.to} width={56} />
          </span>
          <Value of={s.latency_ms} reason={s.latency_ms_reason || s.error || undefined}>
            {millis(s.latency_ms ?? 0)}
          </Value>
        </span>
      ),
    },
    {
      key: "connections",
      head: "Connections",
      right: true,
      by: (s) => s.connections,
      cell: (s) => (
        <span className="row" style={{ justifyContent: "flex-end" }}>
          <span className="roomy">
            <Spark of={day.of(s.name, "connections")} from={day.from} to={day.to} width={56} />
          </span>
          <Value of={s.connections} reason={s.error ?? "not known"}>
            {s.connections}
            {s.max_connections ? <span className="faint"> / {s.max_connections}</span> : null}
          </Value>
        </span>
      ),
    },
    {
      key: "moves",
      head: "Moves",
      right: true,
      by: (s) => s.open_moves ?? undefined,
      cell: (s) => (
        <Value of={s.open_moves} reason={s.open_moves_reason}>
          {s.open_moves ? s.open_moves : <span className="faint">none</span>}
        </Value>
      ),
    },
    {
      key: "findings",
      head: "Findings",
      right: true,
      by: (s) => byName.get(s.name)?.findings.length,
      cell: (s) => <Findings s={s} h={byName.get(s.name)} />,
    },
  ];
}

function Capacity({ s, wide = false }: { s: ShardStatus; wide?: boolean }) {
  if (typeof s.size_bytes !== "number")
    return (
      <Value of={null} reason={s.size_bytes_reason}>
        {null}
      </Value>
    );
  if (typeof s.capacity_bytes !== "number" || s.capacity_bytes <= 0)
    return (
      <span className="num">
        {bytes(s.size_bytes)} <span className="faint">· no capacity set</span>
      </span>
    );
  const share = s.size_bytes / s.capacity_bytes;
  const tone = fullness(share);
  return (
    <span className={wide ? "cap wide" : "cap"}>
      <Bar share={share} tone={tone} label={`${s.name} is full to`} />
      <span className="num">
        {bytes(s.size_bytes)} <span className="faint">of {bytes(s.capacity_bytes)}</span>
        {wide ? <span className={tone ? `tone-${tone}` : "faint"}> · {percent(share)}</span> : null}
      </span>
    </span>
  );
}

function Findings({ s, h }: { s: ShardStatus; h: ShardHealth | undefined }) {
  if (!s.configured)
    return (
      <Value of={null} reason="there is no connection to check it through">
        {null}
      </Value>
    );
  if (!h)
    return (
      <Value of={null} reason="not checked yet">
        {null}
      </Value>
    );
  const n = findings({ shards: [h] });
  if (n && n.critical > 0) return <span className="tone-bad">{n.critical} critical</span>;
  if (h.problem && h.findings.length === 0)
    return (
      <Value of={null} reason={h.problem.message}>
        {null}
      </Value>
    );
  // With a problem beside it, it is what was known before.
  const why = h.problem?.message;
  const old = why ? " before" : "";
  if (n && n.warning > 0)
    return (
      <span className="tone-warn" title={why}>
        {plural(n.warning, "warning")}
        {old}
      </span>
    );
  if (n && n.info > 0)
    return (
      <span className="muted" title={why}>
        {plural(n.info, "note")}
        {old}
      </span>
    );
  return <span className="faint">none</span>;
}
