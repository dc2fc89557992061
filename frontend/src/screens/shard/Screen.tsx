import { Button } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useStatus } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import type { Finding, ShardHealth, ShardStats, ShardStatus } from "../../bridge";
import { Age } from "../../ui/Age";
import { Mono } from "../../ui/Copy";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Figure, Figures } from "../../ui/Figure";
import { bytes, count, millis, percent, size } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, Status, shardStatus, type Tone } from "../../ui/Status";
import { useShardHealth, useShardStats } from "./queries";

export function ShardScreen() {
  const { name } = useParams({ from: "/shards/$name" });
  const status = useStatus();
  const shard = status.data?.shards.find((s) => s.name === name);
  const ask = shard?.configured === true;
  const health = useShardHealth(name, ask);
  const stats = useShardStats(name, ask && shard.reachable);
  const h = health.data?.shards.find((s) => s.name === name);
  const [tone, word] = shardStatus(shard?.status ?? "");
  return (
    <Main>
      <Head
        title={name}
        sub={
          shard ? (
            <>
              <Status tone={tone}>{word}</Status>
              {shard.host ? <Mono text={`${shard.host}:${shard.port}/${shard.database}`} what="the address" /> : null}
            </>
          ) : null
        }
      >
        <Link to="/tenants" search={{ shard: name }}>
          Its tenants
        </Link>
        <Button
          variant="default"
          onClick={() => {
            void status.refetch();
            void health.refetch();
            void stats.refetch();
          }}
        >
          Check now
        </Button>
      </Head>
      <Loaded data={status.data} problem={problemOf(status)} what="the shard" onRetry={() => void status.refetch()}>
        {() =>
          shard ? (
            <Body shard={shard} h={h} health={health} stats={stats} />
          ) : (
            <section className="panel">
              <Empty title={`This fleet has no shard ${name}`} action={<Link to="/">All shards</Link>} />
            </section>
          )
        }
      </Loaded>
    </Main>
  );
}

function Body({
  shard,
  h,
  health,
  stats,
}: {
  shard: ShardStatus;
  h: ShardHealth | undefined;
  health: ReturnType<typeof useShardHealth>;
  stats: ReturnType<typeof useShardStats>;
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
          <ErrorPanel what={`${shard.name} does not answer`} problem={shard.problem} onRetry={() => void health.refetch()} />
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
          detail={typeof shard.capacity_bytes === "number" ? `of ${bytes(shard.capacity_bytes)}` : "no capacity set"}
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
          detail="of table reads"
        />
        <Figure
          label="Index hits"
          value={typeof h?.index_hit_rate === "number" ? percent(h.index_hit_rate) : null}
          reason={h?.index_hit_rate_reason || "being read"}
          detail="of index reads"
        />
      </Figures>
      <div className="cols">
        <div className="stack" style={{ gap: 16 }}>
          <Panel title="Findings" age={<Age at={h?.checked_at} />}>
            <Loaded data={h} problem={problemOf(health) ?? h?.problem ?? null} what="the findings" onRetry={() => void health.refetch()}>
              {(x: ShardHealth) =>
                x.findings.length === 0 ? (
                  x.problem ? null : (
                    <Empty title="Nothing to report">Every check passed.</Empty>
                  )
                ) : (
                  <FindingList list={x.findings} />
                )
              }
            </Loaded>
          </Panel>
          <Panel title="Contents" age={<Age at={stats.data?.checked_at} />}>
            {shard.reachable ? (
              <Loaded data={stats.data} problem={problemOf(stats)} what="the contents" onRetry={() => void stats.refetch()}>
                {(x: ShardStats) => (
                  <div className="pad">
                    <dl className="facts num">
                      <dt>Tables</dt>
                      <dd>{count(x.table_count)}</dd>
                      <dt>Size</dt>
                      <dd>
                        {bytes(x.size_bytes)} <span className="faint">of which indexes {bytes(x.index_bytes)}</span>
                      </dd>
                      {Object.entries(x.counts).map(([what, n]) => (
                        <div key={what} style={{ display: "contents" }}>
                          <dt>{what.replaceAll("_", " ")}</dt>
                          <dd>{count(n)}</dd>
                        </div>
                      ))}
                    </dl>
                  </div>
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
            <dd>{shard.tls || "none"}</dd>
            <dt>Placement</dt>
            <dd>{shard.placement || "open"}</dd>
            {shard.region ? (
              <>
                <dt>Region</dt>
                <dd>{shard.region}</dd>
              </>
            ) : null}
            <dt>Open moves</dt>
            <dd>{shard.open_moves > 0 ? <Link to="/moves">{shard.open_moves}</Link> : "none"}</dd>
            {shard.in_control ? (
              <>
                <dt>Control</dt>
                <dd>lives in the control database</dd>
              </>
            ) : null}
          </dl>
        </Panel>
      </div>
    </>
  );
}

const severity: Record<string, Tone> = { critical: "bad", warning: "warn", info: "info" };

function FindingList({ list }: { list: Finding[] }) {
  return (
    <ul className="checks">
      {list.map((f) => (
        <li key={`${f.check} ${f.message}`}>
          <Mark tone={severity[f.severity] ?? "info"} />
          <div className="grow">
            <p>
              <span className="hidden">{f.severity}: </span>
              {f.message} {f.value ? <span className="mono faint">{f.value}</span> : null}
            </p>
            {f.advice ? <p className="e">{f.advice}</p> : null}
          </div>
          <span className="tag">{f.check}</span>
        </li>
      ))}
    </ul>
  );
}
