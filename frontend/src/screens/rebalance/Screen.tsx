import { Button, NativeSelect } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { TableBones } from "../../app/Bones";
import { useEnvironment } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { ActionButton, useHere } from "../../app/Reach";
import {
  type Rebalance,
  type RebalanceApplied,
  type RebalanceMove,
  type RebalancePlan,
  type RebalanceRejected,
  toProblem,
} from "../../bridge";
import { Age } from "../../ui/Age";
import { Confirm } from "../../ui/Confirm";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { bytes, count, millis, percent, plural } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, Status } from "../../ui/Status";
import { Plans } from "./Plans";
import { useApply, usePolicy, useRebalance } from "./queries";
import { Sides } from "./Sides";
import { chosen, constraint, dimension, ruled, stand, strategy, why } from "./words";
import "./rebalance.css";

const route = getRouteApi("/rebalance");

const name = (x: { label: string; tenant: string }) => x.label || x.tenant;

const tenant = (x: { label: string; tenant: string }) => (
  <Link to="/tenants/$id" params={{ id: x.tenant }} className="medium">
    {name(x)}
  </Link>
);

const moveColumns: Column<RebalanceMove>[] = [
  { key: "tenant", head: "Tenant", width: 170, cell: tenant },
  {
    key: "way",
    head: "From → to",
    width: 200,
    cell: (m) => (
      <span className="row tight">
        <span className="badge">{m.source}</span>→<span className="badge">{m.target}</span>
      </span>
    ),
  },
  { key: "size", head: "Size ≈", right: true, width: 84, cell: (m) => bytes(m.bytes) },
  { key: "why", head: "Why", width: 84, cell: (m) => why(m.why) },
  {
    key: "reason",
    head: "Reason",
    cell: (m) => (
      <span className="muted" title={m.reason}>
        {m.reason}
      </span>
    ),
  },
];

const rejectedColumns: Column<RebalanceRejected>[] = [
  { key: "tenant", head: "Tenant", width: 170, cell: tenant },
  {
    key: "way",
    head: "From → to",
    width: 200,
    cell: (r) => (
      <span className="row tight">
        <span className="badge">{r.source}</span>→
        {r.target ? <span className="badge">{r.target}</span> : <span className="muted">anywhere</span>}
      </span>
    ),
  },
  { key: "size", head: "Size ≈", right: true, width: 84, cell: (r) => bytes(r.bytes) },
  { key: "constraint", head: "Constraint", width: 136, cell: (r) => constraint(r.constraint) },
  {
    key: "reason",
    head: "Reason",
    cell: (r) => (
      <span className="muted" title={r.reason}>
        {r.reason}
      </span>
    ),
  },
];

/** RebalanceScreen shows how tenants are spread, what three plans would do about it, and queues one. */
export function RebalanceScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const q = useRebalance(search.by ?? "");
  const plan = chosen(q.data?.plans ?? [], search.plan);
  const policy = usePolicy();
  const flag = policy.data?.flags.find((f) => f.flag === "SHARD_BULK_OPS_ENABLED");
  const possible = plan !== undefined && plan.moves.length > 0 && flag?.on === true;
  return (
    <Main>
      <Head
        title="Rebalance"
        sub={q.data ? <Status tone={q.data.needed ? "warn" : "ok"}>{q.data.needed ? "Uneven" : "Even enough"}</Status> : null}
      >
        {q.data ? <Age at={q.dataUpdatedAt} /> : null}
        <NativeSelect
          size="xs"
          aria-label="Spread by"
          value={search.by ?? ""}
          data={[
            { value: "", label: "Spread as the fleet file says" },
            { value: "bytes", label: "Spread by bytes" },
            { value: "rows", label: "Spread by rows" },
            { value: "load", label: "Spread by load" },
            { value: "count", label: "Spread by number" },
          ]}
          onChange={(e) => {
            const by = e.currentTarget.value;
            void navigate({ to: "/rebalance", search: (s) => ({ ...s, by: by || undefined }), replace: true });
          }}
        />
        <Button variant="default" loading={q.isFetching} onClick={() => void q.refetch()}>
          Plan again
        </Button>
        {plan ? (
          <ActionButton id="rebalance.apply" disabled={!possible}>{`Queue ${plural(plan.moves.length, "move")}…`}</ActionButton>
        ) : null}
      </Head>
      {q.data ? (
        <p className="verdict muted">
          {sentence(q.data.verdict)}. Moves are proposed where a shard is {Math.round(q.data.threshold * 100)} % from even, or a tenant is
          where it may not be.
          {q.data.recommended || q.data.needed ? (
            <span className="block">
              <span className="medium">{q.data.recommended ? "Recommended" : "Not recommended yet"}</span>: {q.data.recommended_reason}.
            </span>
          ) : null}
        </p>
      ) : null}
      {!q.data && !q.isError ? <TableBones what="the plans" columns={4} rows={10} /> : null}
      <Loaded data={q.data ?? (q.isError ? undefined : null)} problem={problemOf(q)} what="the plans" onRetry={() => void q.refetch()}>
        {(r) => (r && plan ? <Whole all={r} plan={plan} possible={possible} off={flag && !flag.on ? flag : undefined} /> : null)}
      </Loaded>
    </Main>
  );
}

function Whole({
  all,
  plan,
  possible,
  off,
}: {
  all: Rebalance;
  plan: RebalancePlan;
  possible: boolean;
  off: { where: string; remedy: string } | undefined;
}) {
  const navigate = useNavigate();
  const apply = useApply();
  const environment = useEnvironment();
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState<RebalanceApplied | null>(null);
  useHere({
    "rebalance.apply": possible
      ? () => {
          apply.reset();
          setAsking(true);
        }
      : undefined,
  });
  if (all.tenants === 0)
    return (
      <section className="panel">
        <Empty title="No tenants yet">Once the catalogue has tenants, this shows how they spread and what would even it out.</Empty>
      </section>
    );
  return (
    <div className="stack">
      {done ? (
        <div className="notice" role="status">
          <Mark tone="ok" />
          <span>
            {plural(done.queued, "move")} queued
            {done.assigned > 0 ? `, ${plural(done.assigned, "tenant")} without rows assigned` : ""}.{" "}
            {done.workers === 0 ? "This program carries them out while it is open. " : ""}
            When one fails, those that have not begun are cancelled and a fresh plan is shown here, for you to queue.{" "}
            <Link to="/moves">Watch the moves</Link>
          </span>
        </div>
      ) : null}
      {off && plan.moves.length > 0 ? (
        <div className="notice warn">
          <Mark tone="warn" />
          <span>
            Changing many tenants at once is off {off.where}: <span className="mono">{off.remedy}</span>
          </span>
        </div>
      ) : null}
      {all.notes.map((n) => (
        <div className="notice warn" key={n}>
          <Mark tone="warn" />
          <span>{sentence(n)}</span>
        </div>
      ))}
      <Plans
        plans={all.plans}
        on={plan.strategy}
        onChoose={(s) => void navigate({ to: "/rebalance", search: (now) => ({ ...now, plan: s }), replace: true })}
      />
      <Panel
        title="Today and after"
        note={`by ${all.by.join(", ")} · a mean shard has ≈ ${bytes(all.mean_bytes)} · sizes are estimates, with indexes`}
      >
        <Sides all={all} plan={plan} />
      </Panel>
      <Lasting all={all} />
      <Panel title={`${strategy(plan.strategy).title}: ${plural(plan.moves.length, "move")}`} note={`plan ${plan.id}`}>
        {plan.moves.length > 0 ? (
          <DataTable label="Moves of the plan" columns={moveColumns} rows={plan.moves} rowKey={(m) => m.tenant} compact maxHeight={320} />
        ) : (
          <Empty title="Nothing to move">{all.needed ? "No move that is possible would help." : `${sentence(all.verdict)}.`}</Empty>
        )}
        {plan.left.length > 0 ? (
          <ul className="checks dense">
            {plan.left.map((l) => (
              <li key={l.shard}>
                <Mark tone="info" />
                <span>
                  <span className="medium">{l.shard}</span> <span className="muted">{l.reason}</span>
                </span>
              </li>
            ))}
          </ul>
        ) : null}
      </Panel>
      {plan.rejected.length > 0 ? (
        <Panel
          title="Would help, and is not possible"
          note={
            plan.rejected_total > plan.rejected.length
              ? `the largest ${count(plan.rejected.length)} of ${count(plan.rejected_total)}`
              : plural(plan.rejected_total, "move")
          }
        >
          <DataTable
            label="What is not possible"
            columns={rejectedColumns}
            rows={plan.rejected}
            rowKey={(r) => `${r.tenant} ${r.target}`}
            compact
            maxHeight={240}
          />
        </Panel>
      ) : null}
      <div className="rules">
        <Rules all={all} />
        <Large all={all} />
        <Hot all={all} />
        <NewTenant all={all} />
      </div>
      <Confirm
        open={asking}
        title={`Queue ${plural(plan.moves.length, "move")}: ${strategy(plan.strategy).title.toLowerCase()}`}
        environment={environment}
        name={all.fleet}
        nameIs="fleet"
        button={`Queue ${plural(plan.moves.length, "move")}`}
        busy={apply.isPending}
        problem={apply.error ? toProblem(apply.error) : null}
        onClose={() => setAsking(false)}
        onConfirm={(answer) =>
          apply.mutate(
            { by: all.by, max_moves: 0, max_bytes: 0, strategy: plan.strategy, plan: plan.id, dry_run: false, ...answer },
            {
              onSuccess: (v) => {
                setDone(v);
                setAsking(false);
              },
            },
          )
        }
      >
        <p>
          ≈ {bytes(plan.bytes)} are copied
          {typeof plan.estimate_ms === "number"
            ? `, in about ${millis(plan.estimate_ms)} one after the other, going by this fleet's own moves`
            : ""}
          . Each is checked first; where one is refused, none is queued. Each tenant's writes wait for its own switch.
        </p>
        <p className="muted">
          Old copies stay until each move is finalized, so every move can be taken back until then. When a move fails, those that have not
          begun are cancelled and a fresh plan is shown, which nobody queues for you.
        </p>
      </Confirm>
    </div>
  );
}

const sentence = (s: string) => s.slice(0, 1).toUpperCase() + s.slice(1);

/** Lasting is how the fleet is spread by each dimension and since when, whatever the plan is made for. */
function Lasting({ all }: { all: Rebalance }) {
  return (
    <Panel title="Out of balance, and since when" note={all.kept === "control" ? "as the fleet's programs saw it" : ""}>
      <ul className="checks dense">
        {all.dimensions.map((d) => (
          <li key={d.by}>
            <Mark tone={stand(d)} />
            <span className="grow">
              <span className="medium">{dimension(d.by)}</span>{" "}
              {typeof d.over === "number" && d.fullest ? (
                <span className="num">
                  {d.fullest} {percent(d.over)} above even{" "}
                </span>
              ) : null}
              <span className="muted">{d.reason}</span>
            </span>
            {typeof d.seen_at === "string" ? (
              <span className="muted small" title={`seen by ${d.seen_by}`}>
                {d.seen_by}, <Age at={d.seen_at} />
              </span>
            ) : null}
          </li>
        ))}
        {all.kept_reason ? (
          <li>
            <Mark tone="info" />
            <span className="grow muted">{sentence(all.kept_reason)}.</span>
          </li>
        ) : null}
      </ul>
    </Panel>
  );
}

/** Rules are what the fleet file keeps a plan to. */
function Rules({ all }: { all: Rebalance }) {
  const shards = all.shards.map((s) => ({ name: s.name, rule: ruled(s) })).filter((s) => s.rule !== "");
  return (
    <Panel title="Pins, drains and rules">
      <ul className="checks dense">
        {all.pins.map((p) => (
          <li key={p.tenant}>
            <Mark tone="off" />
            <span className="grow">
              {tenant(p)} <span className="muted">stays on {p.shard}:</span> {p.reason}
            </span>
          </li>
        ))}
        {shards.map((s) => (
          <li key={s.name}>
            <Mark tone="off" />
            <span className="grow">
              <span className="medium">{s.name}</span> <span className="muted">{s.rule}</span>
            </span>
          </li>
        ))}
        {all.cool_down_ms > 0 ? (
          <li>
            <Mark tone="off" />
            <span className="grow muted">a tenant rests for {millis(all.cool_down_ms)} after a move</span>
          </li>
        ) : null}
        {all.pins.length + shards.length === 0 && all.cool_down_ms === 0 ? (
          <li className="muted">
            None are set. The fleet file holds them, under [rebalance]: pins, dedicated shards, tenants to keep apart, a cool-down.
          </li>
        ) : null}
      </ul>
    </Panel>
  );
}

/** Large are the tenants that weigh most, and those that no plan can balance. */
function Large({ all }: { all: Rebalance }) {
  return (
    <Panel title="Large tenants">
      <ul className="checks dense">
        {all.oversized.map((o) => (
          <li key={o.tenant}>
            <Mark tone="warn" />
            <span className="grow">
              {tenant(o)} <span className="muted">on {o.shard},</span> <span className="num">≈ {bytes(o.bytes)}</span>
              <span className="e block">{o.reason}</span>
            </span>
          </li>
        ))}
        {all.largest
          .filter((l) => !all.oversized.some((o) => o.tenant === l.tenant))
          .slice(0, 6)
          .map((l) => (
            <li key={l.tenant}>
              <Mark tone="off" />
              <span className="grow">
                {tenant(l)}{" "}
                <span className="muted">
                  on {l.shard}, {percent(l.share)} of its tenants' size
                </span>
              </span>
              <span className="num">≈ {bytes(l.bytes)}</span>
            </li>
          ))}
      </ul>
    </Panel>
  );
}

/** Hot are the tenants with the most load, which is an estimate, or why it is not known. */
function Hot({ all }: { all: Rebalance }) {
  const { method, from, to, reason, hottest } = all.load;
  return (
    <Panel title="Hot tenants" age={typeof to === "string" ? <Age at={Date.parse(to)} /> : null}>
      <ul className="checks dense">
        {hottest.slice(0, 6).map((h) => (
          <li key={h.tenant}>
            <Mark tone="off" />
            <span className="grow">
              {tenant(h)}{" "}
              <span className="muted">
                on {h.shard}, {percent(h.share)} of its tenants' load
              </span>
            </span>
            <span className="num">≈ {count(Math.round(h.load))} rows/s</span>
          </li>
        ))}
        <li>
          <Mark tone="info" />
          <span className="grow muted">
            {typeof from === "string" && typeof to === "string"
              ? `Load is ${method}, over ${millis(Date.parse(to) - Date.parse(from))}.`
              : `The load of tenants is not known: ${reason}.`}
          </span>
        </li>
      </ul>
    </Panel>
  );
}

/** NewTenant is where a tenant that comes today would be best. */
function NewTenant({ all }: { all: Rebalance }) {
  return (
    <Panel title="A new tenant">
      <ul className="checks dense">
        {all.placement.map((c, i) => (
          <li key={c.shard}>
            <Mark tone={c.allowed ? (i === 0 ? "ok" : "off") : "bad"} />
            <span className="grow">
              <span className="medium">{c.shard}</span> <span className="muted">{c.reason}</span>
            </span>
            {i === 0 && c.allowed ? <span className="tag">suggested</span> : null}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
