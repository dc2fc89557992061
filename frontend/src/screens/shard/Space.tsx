import { Link } from "@tanstack/react-router";
import { TableBones } from "../../app/Bones";
import { problemOf } from "../../app/problem";
import { ServerView } from "../../app/ServerView";
import type { HistoryView, ShardHealth, ShardStats, ShardStatus, ShardViews } from "../../bridge";
import { Age } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { useUTC } from "../../ui/clock";
import { Empty } from "../../ui/Empty";
import { Figure, Figures } from "../../ui/Figure";
import { bytes, count, percent, size } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";
import type { Tone } from "../../ui/Status";
import { One } from "./History";
import { useShardSize, type useShardStats, useShardViews } from "./queries";

/** words say what a growth is. */
const words: Record<string, string> = {
  too_short: "too short to say",
  steady: "no growth that can be told from none",
  growing: "growing",
  changing: "growth has become another lately",
  shrinking: "shrinking",
};

/** signed is an amount of bytes that may be less than none. */
function signed(n: number): string {
  return n < 0 ? `−${bytes(-n)}` : bytes(n);
}

/** fullness is the tone of a share of the capacity. */
function fullness(share: number): Tone | undefined {
  return share >= 0.9 ? "bad" : share >= 0.75 ? "warn" : undefined;
}

/** until says in how many days it is full. */
function until(growth: ShardHealth["growth"]): string | null {
  const from = growth.full_in_days_from;
  if (typeof from !== "number") return null;
  const to = growth.full_in_days_to;
  return typeof to === "number" && to > from ? `${count(from)}–${count(to)}` : count(from);
}

/** Space is what a shard takes, how it grows, and what takes it. */
export function Space({ shard, h, stats }: { shard: ShardStatus; h: ShardHealth | undefined; stats: ReturnType<typeof useShardStats> }) {
  const g = h?.growth;
  const now = shard.size_bytes;
  const all = shard.capacity_bytes;
  const taken = typeof now === "number" ? size(now) : null;
  const share = typeof now === "number" && typeof all === "number" && all > 0 ? now / all : null;
  const perDay = typeof g?.bytes_per_day === "number" ? g.bytes_per_day : null;
  const between =
    typeof g?.bytes_per_day_from === "number" && typeof g.bytes_per_day_to === "number"
      ? `${signed(g.bytes_per_day_from)} to ${signed(g.bytes_per_day_to)}, nine times of ten`
      : g?.reason || "being read";
  return (
    <div className="stack" style={{ gap: 16 }}>
      <Figures label="Space in figures">
        <Figure label="Size" value={taken?.value} unit={taken?.unit} reason={shard.size_bytes_reason} detail="the whole database" />
        <Figure
          label="Capacity"
          value={typeof all === "number" ? bytes(all) : null}
          reason="the fleet file does not say how much the disk holds; no server tells"
          detail={share === null ? "not stated" : "as the fleet file states it"}
        />
        <Figure
          label="In use"
          value={share === null ? null : percent(share)}
          reason={typeof all === "number" ? shard.size_bytes_reason : "no capacity is stated"}
          detail={share === null ? "of the capacity" : <Bar share={share} tone={fullness(share)} label="The capacity in use" />}
        />
        <Figure
          label="Growth a day"
          value={perDay === null ? null : signed(perDay)}
          reason={g?.reason || "being read"}
          detail={perDay === null ? "of thirty days" : between}
        />
        <Figure
          label="Days to full"
          value={g ? until(g) : null}
          reason={g?.full_in_days_reason || g?.reason || "being read"}
          detail="as it grows now"
        />
      </Figures>
      {g ? (
        <p className="muted small">
          Growth is {words[g.state] ?? g.state}; sizes of {count(g.days)} {g.days === 1 ? "day" : "days"} are kept on this computer.
          {g.reason ? ` ${g.reason.charAt(0).toUpperCase()}${g.reason.slice(1)}.` : ""} Days on which tenants were moved, and steps that are
          no growth, do not count.
        </p>
      ) : null}
      <Course shard={shard.name} />
      <div className="cols">
        <Tables shard={shard} />
        <Parts shard={shard} stats={stats} />
      </div>
    </div>
  );
}

/** Course is how the size went. */
function Course({ shard }: { shard: string }) {
  const utc = useUTC();
  const q = useShardSize(shard);
  if (!q.data && !q.isError) return <TableBones what="how its size went" columns={2} rows={5} />;
  return (
    <Loaded data={q.data} problem={problemOf(q)} what="how its size went" onRetry={() => void q.refetch()}>
      {(v: HistoryView) => {
        const m = v.shards[0]?.metrics[0];
        return m ? (
          <One of={m} v={v} utc={utc} />
        ) : (
          <Panel title="Size">
            <Empty title="Nothing has been measured yet">The window, serve and worker measure while they run.</Empty>
          </Panel>
        );
      }}
    </Loaded>
  );
}

/** Tables are what takes the space, the largest first. */
function Tables({ shard }: { shard: ShardStatus }) {
  const q = useShardViews(shard.name, shard.reachable);
  if (!shard.reachable)
    return (
      <Panel title="Tables">
        <Empty title="Not known while the shard does not answer" />
      </Panel>
    );
  if (!q.data && !q.isError) return <TableBones what="its tables" columns={4} rows={8} />;
  return (
    <Loaded data={q.data} problem={problemOf(q)} what="its tables" onRetry={() => void q.refetch()}>
      {(all: ShardViews) => (
        <div className="stack" style={{ gap: 16 }}>
          {all.views
            .filter((v) => v.name === "tables")
            .map((v) => (
              <ServerView key={v.name} of={v} />
            ))}
        </div>
      )}
    </Loaded>
  );
}

/** Parts are what of the size is tables and what indexes. */
function Parts({ shard, stats }: { shard: ShardStatus; stats: ReturnType<typeof useShardStats> }) {
  return (
    <Panel title="What takes it" age={<Age at={stats.data?.checked_at} />} pad>
      {shard.reachable ? (
        <Loaded data={stats.data} problem={problemOf(stats)} what="what takes it" onRetry={() => void stats.refetch()}>
          {(x: ShardStats) => (
            <dl className="facts num">
              <dt>Tables</dt>
              <dd>{count(x.table_count)}</dd>
              <dt>Indexes</dt>
              <dd>
                {bytes(x.index_bytes)} <span className="faint">{percent(x.size_bytes > 0 ? x.index_bytes / x.size_bytes : 0)}</span>
              </dd>
              <dt>All the rest</dt>
              <dd>{bytes(Math.max(0, x.size_bytes - x.index_bytes))}</dd>
              <dt>Tenants</dt>
              <dd>
                <Link to="/shards/$name" params={{ name: shard.name }} search={{ tab: "tenants" }}>
                  By their size
                </Link>
              </dd>
            </dl>
          )}
        </Loaded>
      ) : (
        <Empty title="Not known while the shard does not answer" />
      )}
    </Panel>
  );
}
