import { Tabs } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { FigureBones } from "../../app/Bones";
import { useEnvironment, useInfo, useMoves, useStatus } from "../../app/current";
import { eventOutcome, eventTenant, eventTitle, settledEvents } from "../../app/events";
import { afterClosing, JobList } from "../../app/Jobs";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { ActionButton, useAction } from "../../app/Reach";
import { waits } from "../../app/tell";
import type { ShardStatus } from "../../bridge";
import { Age } from "../../ui/Age";
import { Empty } from "../../ui/Empty";
import { Figure, Figures } from "../../ui/Figure";
import { count, millis, plural, size } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark } from "../../ui/Status";
import { Compare } from "./Compare";
import { findings, imbalance, silentTenants, totalSize } from "./figures";
import { useDistribution, useHealth, useRecent } from "./queries";
import { Shards } from "./Shards";
import { Spread } from "./Spread";

const overview = "overview";

export function FleetScreen() {
  const status = useStatus();
  const info = useInfo();
  const who = useAction("who");
  const environment = useEnvironment();
  const { tab } = useSearch({ from: "/" });
  const navigate = useNavigate();
  const s = status.data;
  return (
    <Main>
      <Head title="Fleet" sub={s ? `${s.answering} of ${s.configured} shards answer` : null}>
        <ActionButton id="move.start" />
      </Head>
      {info.data && !info.data.operator && environment !== "demo" ? (
        <div className="notice">
          <Icon name="info" />
          <span>Nobody has said who works here, so everything may be looked at and nothing changed.</span>
          <button type="button" className="linkish end" onClick={who}>
            Say who you are…
          </button>
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
      <Tabs
        value={tab ?? overview}
        onChange={(to) =>
          void navigate({ to: "/", search: (now) => ({ ...now, tab: to === overview ? undefined : (to ?? undefined) }), replace: true })
        }
        keepMounted={false}
      >
        <Tabs.List mb={16}>
          <Tabs.Tab value={overview}>Overview</Tabs.Tab>
          <Tabs.Tab value="compare">Compare</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value={overview}>
          <Summary />
          <RunningJobs />
          <Shards />
          <div className="cols wide">
            <Spread />
            <Recent />
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="compare">
          <Compare />
        </Tabs.Panel>
      </Tabs>
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
  const held = list?.filter(waits).length ?? 0;
  const kept = list?.filter((m) => m.state === "retained").length ?? 0;
  const slow = s?.shards.reduce<ShardStatus | null>(
    (a, b) => (typeof b.latency_ms === "number" && (a === null || b.latency_ms > (a.latency_ms ?? 0)) ? b : a),
    null,
  );
  const silent = s ? silentTenants(s.shards) : 0;
  if (!s && !status.isError) return <FigureBones what="the fleet" />;
  return (
    <Figures label="The fleet in figures">
      <Figure
        label="Tenants"
        value={s && typeof s.tenants === "number" ? count(s.tenants) : null}
        reason={s ? s.tenants_reason || "not known" : waiting}
        detail={
          s && typeof s.tenants === "number"
            ? silent > 0
              ? `${count(silent)} on ${s.configured - s.answering === 1 ? "a silent shard" : "silent shards"}`
              : `on ${plural(s.configured, "shard")}`
            : undefined
        }
      />
      <Figure
        label="Data"
        value={total?.value}
        unit={total && all ? `${total.unit}${all.known < all.of ? `, ${all.known} of ${all.of}` : ""}` : undefined}
        reason={s ? "no shard told its size" : waiting}
        detail={total && all ? (all.known < all.of ? `${plural(all.of - all.known, "shard")} unknown` : "on all shards") : undefined}
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
        reason={problemOf(distribution)?.message ?? (distribution.data ? "it takes two shards with tenants" : "being read")}
        detail={skew ? `${skew.shard}, by ${skew.by}` : undefined}
      />
      <Figure
        label="Findings"
        value={found ? String(found.critical + found.warning) : null}
        unit={found && found.critical > 0 ? `${found.critical} critical` : undefined}
        tone={found && found.critical > 0 ? "bad" : found && found.warning > 0 ? "warn" : undefined}
        reason={health.isError ? problemOf(health)?.message : "being read"}
        detail={found ? `${plural(found.warning, "warning")}, ${plural(found.info, "note")}` : undefined}
      />
      <Figure
        label="Moves"
        value={list ? String(open) : null}
        unit={list ? "running" : undefined}
        reason={moves.isError ? problemOf(moves)?.message : "being read"}
        detail={list ? (held > 0 ? `${held} waiting for you` : kept > 0 ? `${kept} can go back` : "none waits for you") : undefined}
        tone={held > 0 ? "warn" : undefined}
      />
    </Figures>
  );
}

function RunningJobs() {
  const moves = useMoves();
  const info = useInfo();
  const list = (moves.data?.moves ?? []).filter((m) => !m.settled || waits(m));
  if (list.length === 0) return null;
  return (
    <Panel title="Running jobs" note={afterClosing(info.data?.mode ?? "")} age={<Age at={moves.dataUpdatedAt} />}>
      <JobList moves={[...list].sort((a, b) => Number(waits(b)) - Number(waits(a)))} />
    </Panel>
  );
}

function Recent() {
  const q = useRecent();
  return (
    <Panel
      title="Recent activity"
      age={
        <>
          <Link to="/audit">All</Link>
          {q.data ? <Age at={q.dataUpdatedAt} /> : null}
        </>
      }
    >
      <Loaded data={q.data} problem={problemOf(q)} what="the audit trail" rows={4} onRetry={() => void q.refetch()}>
        {(list) =>
          list.events.length === 0 ? (
            <Empty title="Nothing has happened yet">Every change in this fleet will be listed here, with who and why.</Empty>
          ) : (
            <ul className="list">
              {settledEvents(list.events)
                .slice(0, 8)
                .map((e) => {
                  const [tone, word] = eventOutcome(e);
                  return (
                    <li key={e.id}>
                      <span title={word} className="row">
                        <Mark tone={tone} />
                        <span className="hidden">{word}</span>
                      </span>
                      <span className="cut" title={`${e.actor}: ${e.note}`}>
                        <Link to="/audit" search={{ event: e.id }} className="medium" style={{ color: "inherit" }}>
                          {eventTitle(e)}
                        </Link>
                        {e.tenant ? <> {eventTenant(e, list.events)}</> : null}
                        {e.source || e.target ? (
                          <span className="faint">
                            {" "}
                            {e.source} {e.target ? `→ ${e.target}` : ""}
                          </span>
                        ) : null}
                      </span>
                      <span className="end row age">
                        <Age at={e.at} />
                        <span className="cut actor" title={e.actor}>
                          · {e.actor.split("@")[0]}
                        </span>
                      </span>
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
