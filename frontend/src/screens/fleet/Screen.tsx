import { Button } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useInfo, useMoves, useStatus } from "../../app/current";
import { eventOutcome, eventTitle } from "../../app/events";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { useAction } from "../../app/Reach";
import type { Distribution, ShardHealth, ShardStatus } from "../../bridge";
import { Age } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { type Column, DataTable, readSort, writeSort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Figure, Figures, Value } from "../../ui/Figure";
import { bytes, count, millis, plural, size } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, Status, shardStatus } from "../../ui/Status";
import { findings, imbalance, totalSize, worstFirst } from "./figures";
import { useDistribution, useHealth, useRecent } from "./queries";

const route = getRouteApi("/");

export function FleetScreen() {
  const status = useStatus();
  const info = useInfo();
  const move = useAction("move.start");
  const s = status.data;
  return (
    <Main>
      <Head title="Fleet" sub={s ? `${s.answering} of ${s.configured} shards answer` : null}>
        <Button onClick={move}>Move a tenant…</Button>
      </Head>
      {info.data && !info.data.operator ? (
        <div className="notice">
          <Icon name="info" />
          <span>
            Nobody has said who works here, so everything may be looked at and nothing changed. Say it at the bottom of the sidebar.
          </span>
        </div>
      ) : null}
      {s && !s.installed ? (
        <div className="notice warn">
          <Mark tone="warn" />
          <span>{s.install_note || "The shard_admin schema is not installed in this fleet: it may only be looked at."}</span>
          <Link className="end" to="/settings" search={{ tab: "install", add: undefined }}>
            Install…
          </Link>
        </div>
      ) : null}
      {s && !s.control.reachable ? (
        <div className="notice warn top">
          <Mark tone="bad" />
          <div>
            <p className="strong">The control database does not answer, so tenants, moves and audit cannot be read.</p>
            <p className="muted">{s.control.problem?.message ?? s.control.error ?? ""}</p>
            <p>{s.control.problem?.hint}</p>
          </div>
        </div>
      ) : null}
      <Summary />
      <Shards />
      <div className="cols wide">
        <Spread />
        <Recent />
      </div>
    </Main>
  );
}

function Summary() {
  const status = useStatus();
  const health = useHealth();
  const distribution = useDistribution();
  const moves = useMoves();
  const s = status.data;
  const waiting = status.isError ? problemOf(status)?.message : "being read";
  const all = s ? totalSize(s.shards) : null;
  const total = all?.bytes === null || all?.bytes === undefined ? null : size(all.bytes);
  const skew = imbalance(distribution.data);
  const found = findings(health.data);
  const list = moves.data?.moves;
  const open = list?.filter((m) => !m.settled).length ?? 0;
  const held = list?.filter((m) => m.state === "failed" || m.held).length ?? 0;
  const kept = list?.filter((m) => m.state === "retained").length ?? 0;
  const slow = s?.shards.reduce<ShardStatus | null>(
    (a, b) => (typeof b.latency_ms === "number" && (a === null || b.latency_ms > (a.latency_ms ?? 0)) ? b : a),
    null,
  );
  return (
    <Figures label="The fleet in figures">
      <Figure
        label="Tenants"
        value={s && typeof s.tenants === "number" ? count(s.tenants) : null}
        reason={s ? s.tenants_reason || "not known" : waiting}
        detail={s && typeof s.tenants === "number" ? `on ${plural(s.configured, "shard")}` : undefined}
      />
      <Figure
        label="Data"
        value={total?.value}
        unit={total && all ? `${total.unit}${all.known < all.of ? `, ${all.known} of ${all.of}` : ""}` : undefined}
        reason={s ? "no shard told its size" : waiting}
        detail={all && all.known < all.of ? `${plural(all.of - all.known, "shard")} unknown` : "on all shards"}
      />
      <Figure
        label="Slowest answer"
        value={slow && typeof slow.latency_ms === "number" ? millis(slow.latency_ms) : null}
        reason={s ? "no shard answers" : waiting}
        detail={slow?.name}
        tone={slow && slow.status === "slow" ? "warn" : undefined}
      />
      <Figure
        label="Imbalance"
        value={skew ? `${skew.factor.toFixed(2)}×` : null}
        reason={distribution.isError ? problemOf(distribution)?.message : "needs tenants on two shards"}
        detail={skew ? `${skew.shard} against the mean` : undefined}
      />
      <Figure
        label="Findings"
        value={found ? String(found.critical + found.warning) : null}
        unit={found ? (found.critical > 0 ? `${found.critical} critical` : found.warning > 0 ? "warnings" : "") : undefined}
        tone={found && found.critical > 0 ? "bad" : found && found.warning > 0 ? "warn" : undefined}
        reason={health.isError ? problemOf(health)?.message : "being read"}
        detail={found ? `${plural(found.warning, "warning")}, ${plural(found.info, "note")}` : undefined}
      />
      <Figure
        label="Moves"
        value={list ? String(open) : null}
        unit={list ? "running" : undefined}
        reason={moves.isError ? problemOf(moves)?.message : "being read"}
        detail={list ? `${held} wait for you, ${kept} can go back` : undefined}
        tone={held > 0 ? "warn" : undefined}
      />
    </Figures>
  );
}

function Shards() {
  const status = useStatus();
  const health = useHealth();
  const navigate = useNavigate();
  const { sort } = route.useSearch();
  const byName = useMemo(() => new Map((health.data?.shards ?? []).map((h) => [h.name, h])), [health.data]);
  const columns = useMemo<Column<ShardStatus>[]>(
    () => [
      {
        key: "name",
        head: "Shard",
        by: (s) => s.name,
        cell: (s) => (
          <span className="row">
            <Link to="/shards/$name" params={{ name: s.name }} className="strong" style={{ color: "inherit" }}>
              {s.name}
            </Link>
            <span className="mono faint cut" title={s.host ? `${s.host}:${s.port} ${s.database}` : undefined}>
              {s.in_control ? "in control" : s.host.startsWith("/") ? "local socket" : s.host}
            </span>
            {s.placement && s.placement !== "open" ? <span className="tag">{s.placement}</span> : null}
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
          <Value of={s.latency_ms} reason={s.latency_ms_reason || s.error || undefined}>
            {millis(s.latency_ms ?? 0)}
          </Value>
        ),
      },
      {
        key: "connections",
        head: "Connections",
        right: true,
        by: (s) => s.connections,
        cell: (s) => (
          <Value of={s.connections} reason={s.error ?? "not known"}>
            {s.connections}
            {s.max_connections ? <span className="faint"> / {s.max_connections}</span> : null}
          </Value>
        ),
      },
      {
        key: "moves",
        head: "Moves",
        right: true,
        by: (s) => s.open_moves,
        cell: (s) => (s.open_moves > 0 ? s.open_moves : <span className="faint">none</span>),
      },
      {
        key: "findings",
        head: "Findings",
        right: true,
        cell: (s) =>
          s.configured && !s.reachable ? (
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                void status.refetch();
                void health.refetch();
              }}
            >
              Retry
            </Button>
          ) : s.configured ? (
            <Findings h={byName.get(s.name)} />
          ) : (
            <span className="faint">—</span>
          ),
      },
    ],
    [byName, status.refetch, health.refetch],
  );
  const rows = useMemo(() => worstFirst(status.data?.shards ?? []), [status.data]);
  return (
    <Panel title="Shards" note={sort ? "" : "worst first"} age={<Age at={status.data?.checked_at} />}>
      <Loaded data={status.data} problem={problemOf(status)} what="the shards" rows={6} onRetry={() => void status.refetch()}>
        {() =>
          rows.length === 0 ? (
            <Empty title="No shards">A fleet's file lists its shards. Add them in Settings.</Empty>
          ) : (
            <DataTable
              label="Shards"
              keyboard
              columns={columns}
              rows={rows}
              rowKey={(s) => s.name}
              maxHeight={rows.length > 14 ? 560 : undefined}
              onOpen={(s) => void navigate({ to: "/shards/$name", params: { name: s.name } })}
              sort={readSort(sort)}
              onSort={(next) => void navigate({ to: "/", search: { sort: writeSort(next) }, replace: true })}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Capacity({ s }: { s: ShardStatus }) {
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
  return (
    <span className="cap">
      <Bar share={share} tone={share > 0.9 ? "bad" : share > 0.7 ? "warn" : undefined} label={`${s.name} is full to`} />
      <span className="num">
        {bytes(s.size_bytes)} <span className="faint">of {bytes(s.capacity_bytes)}</span>
      </span>
    </span>
  );
}

function Findings({ h }: { h: ShardHealth | undefined }) {
  if (!h)
    return (
      <Value of={null} reason="not checked yet">
        {null}
      </Value>
    );
  if (h.problem)
    return (
      <Value of={null} reason={h.problem.message}>
        {null}
      </Value>
    );
  const n = findings({ shards: [h] });
  if (n && n.critical > 0) return <span className="tone-bad">{n.critical} critical</span>;
  if (n && n.warning > 0) return <span className="tone-warn">{plural(n.warning, "warning")}</span>;
  if (n && n.info > 0) return <span className="muted">{plural(n.info, "note")}</span>;
  return <span className="faint">none</span>;
}

const shades = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c6)", "var(--c5)"];

function Spread() {
  const q = useDistribution();
  return (
    <Panel title="Distribution" note="tenants per shard" age={<Age at={q.dataUpdatedAt} />}>
      <Loaded data={q.data} problem={problemOf(q)} what="the distribution" rows={3} onRetry={() => void q.refetch()}>
        {(d: Distribution) =>
          d.total === 0 ? (
            <Empty title="No tenants yet">Once the catalogue has tenants, this shows how they spread.</Empty>
          ) : (
            <>
              <div className="dist" role="img" aria-label={d.shards.map((s) => `${s.name} ${s.percent.toFixed(0)} %`).join(", ")}>
                {d.shards.map((s, i) => (
                  <i
                    key={s.name}
                    title={`${s.name}: ${plural(s.tenants, "tenant")}`}
                    style={{ width: `${s.percent}%`, background: shades[i % shades.length] }}
                  />
                ))}
              </div>
              <div className="legend num">
                {d.shards.map((s, i) => (
                  <span key={s.name}>
                    <em style={{ background: shades[i % shades.length] }} />
                    {s.name} {s.percent.toFixed(s.percent < 10 ? 1 : 0)} %{" "}
                    <span className="faint">
                      {count(s.tenants)}
                      {typeof s.size_bytes === "number" ? ` · ${bytes(s.size_bytes)}` : s.size_bytes_reason ? " · size unknown" : ""}
                    </span>
                  </span>
                ))}
              </div>
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Recent() {
  const q = useRecent();
  return (
    <Panel title="Recent activity" age={<Age at={q.dataUpdatedAt} />}>
      <Loaded data={q.data} problem={problemOf(q)} what="the audit trail" rows={4} onRetry={() => void q.refetch()}>
        {(list) =>
          list.events.length === 0 ? (
            <Empty title="Nothing has happened yet">Every change in this fleet will be listed here, with who and why.</Empty>
          ) : (
            <ul className="list">
              {list.events.slice(0, 8).map((e) => {
                const [tone, word] = eventOutcome(e);
                return (
                  <li key={e.id}>
                    <span title={word} className="row">
                      <Mark tone={tone} />
                      <span className="hidden">{word}</span>
                    </span>
                    <span className="cut" title={e.note}>
                      <Link to="/audit" search={{ event: e.id }} style={{ color: "inherit" }}>
                        {eventTitle(e)}
                      </Link>
                      {e.target ? (
                        <>
                          {" "}
                          <span className="faint">→</span> {e.target}
                        </>
                      ) : null}
                      <span className="faint"> · {e.note}</span>
                    </span>
                    <Age at={e.at} />
                  </li>
                );
              })}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}
