import { Button, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useEnvironment } from "../../app/current";
import { RowsEstimate, SizeEstimate } from "../../app/Estimates";
import { limitOf, MoveTerms, requestOf, usualTerms } from "../../app/MoveTerms";
import { problemOf } from "../../app/problem";
import { api, keys, type TenantRow, toProblem } from "../../bridge";
import { type Answer, Confirm } from "../../ui/Confirm";
import { type Column, DataTable } from "../../ui/DataTable";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Value } from "../../ui/Figure";
import { bytes, count, millis, plural } from "../../ui/format";
import { Mark, Status, type Tone } from "../../ui/Status";
import { begun, having, type Item, nameOf, planned, type Stage, waiting } from "./items";
import { sumOf } from "./selection";

const stages: Record<Stage, [Tone, string]> = {
  waits: ["off", "Not planned"],
  planning: ["run", "Planning"],
  ready: ["ok", "Can be queued"],
  blocked: ["bad", "Blocked"],
  starting: ["run", "Queueing"],
  queued: ["ok", "Queued"],
  refused: ["bad", "Refused"],
};

const unknown = (
  <Value of={null} reason="not planned yet">
    {null}
  </Value>
);

function About({ ms, reason }: { ms?: number | null; reason?: string }) {
  return (
    <Value of={ms} reason={reason || "not planned yet"}>
      {`≈ ${millis(ms ?? 0)}`}
    </Value>
  );
}

const columns: Column<Item>[] = [
  { key: "label", head: "Tenant", cell: (i) => <span className="strong">{nameOf(i)}</span> },
  { key: "shard", head: "Shard", cell: (i) => <span className="badge">{i.plan?.source || i.tenant?.shard || "—"}</span> },
  {
    key: "rows",
    head: "Rows",
    right: true,
    cell: (i) => (i.plan ? count(i.plan.rows) : i.tenant ? <RowsEstimate of={i.tenant} about /> : unknown),
  },
  {
    key: "size",
    head: "Size",
    right: true,
    cell: (i) => (i.plan ? bytes(i.plan.bytes) : i.tenant ? <SizeEstimate of={i.tenant} about /> : unknown),
  },
  {
    key: "mode",
    head: "Mode",
    cell: (i) => (i.plan ? <span title={i.plan.mode_reason}>{i.plan.mode}</span> : unknown),
  },
  {
    key: "takes",
    head: "Takes",
    right: true,
    cell: (i) => <About ms={i.plan?.estimate_ms} reason={i.plan?.estimate_ms_reason} />,
  },
  {
    key: "wait",
    head: "Writes wait",
    right: true,
    cell: (i) => <About ms={i.plan?.pause_ms} reason={i.plan?.estimate_ms_reason} />,
  },
  {
    key: "stage",
    head: "Plan",
    width: 150,
    cell: (i) => {
      const [tone, word] = stages[i.stage];
      return i.move && i.stage === "queued" ? (
        <Link to="/moves/$id" params={{ id: i.move }}>
          <Status tone={tone}>{word}</Status>
        </Link>
      ) : (
        <Status tone={tone}>{word}</Status>
      );
    },
  },
];

/** Bulk plans the moves of several tenants to one shard, each on its own, and queues those that nothing stands in the way of. */
export function Bulk({ tenants, onClose }: { tenants: (TenantRow | string)[]; onClose: () => void }) {
  const client = useQueryClient();
  const environment = useEnvironment();
  const policy = useQuery({ queryKey: keys.policy, queryFn: () => api.policy() });
  const [terms, setTerms] = useState(usualTerms);
  const [items, setItems] = useState<Item[]>(() => begun(tenants, ""));
  const [work, setWork] = useState<"" | "plan" | "start">("");
  const [asking, setAsking] = useState(false);
  // What runs ends before its next tenant when this is another number.
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current++;
    },
    [],
  );

  const flag = policy.data?.flags.find((f) => f.flag === "SHARD_BULK_OPS_ENABLED");
  const ready = having(items, "ready");
  const stopped = having(items, "blocked", "refused");
  const queued = having(items, "queued");
  const done = items.length - having(items, "waits", "planning").length;
  const rows = sumOf(items.map((i) => i.plan?.rows ?? i.tenant?.rows_estimate));
  const size = sumOf(items.map((i) => i.plan?.bytes ?? i.tenant?.bytes_estimate));
  const exact = items.length > 0 && items.every((i) => i.plan);

  /** each goes through the items one after the other: a plan counts rows on both shards, and a queue has an order. */
  const each = async (what: "plan" | "start", list: Item[], now: Stage, act: (i: Item) => Promise<Item>, failed: Stage) => {
    const mine = ++turn.current;
    const put = (next: Item) => setItems((all) => all.map((i) => (i.id === next.id ? next : i)));
    setWork(what);
    for (const i of list) {
      if (turn.current !== mine) return;
      put({ ...i, stage: now });
      const next = await act(i).catch((e): Item => {
        const p = toProblem(e);
        return { ...i, stage: failed, why: [[p.message, p.hint].filter(Boolean).join("; ")] };
      });
      // A plan that nobody waits for any more may be of other terms; a move that was filed is one.
      if (what === "plan" && turn.current !== mine) return;
      put(next);
    }
    if (turn.current === mine) setWork("");
  };
  const stop = () => {
    turn.current++;
    setWork("");
    setItems((all) => all.map((i) => (i.stage === "planning" ? { ...i, stage: "waits" } : i)));
  };
  const makePlans = () => {
    const fresh = begun(tenants, terms.target).map((i) => items.find((x) => x.id === i.id && x.stage === "queued") ?? i);
    setItems(fresh);
    void each("plan", having(fresh, "waits"), "planning", async (i) => planned(i, await api.planMove(requestOf(i.id, terms))), "blocked");
  };
  const queueAll = ({ note, confirm }: Answer) => {
    setAsking(false);
    void each(
      "start",
      ready,
      "starting",
      async (i) => {
        const m = await api.startMove({ ...requestOf(i.id, terms), note, confirm, bulk: true });
        return { ...i, stage: "queued", move: m.id, why: [] };
      },
      "refused",
    ).finally(() => void client.invalidateQueries({ queryKey: keys.fleet }));
  };

  if (asking)
    return (
      <Confirm
        open
        title={`Move ${plural(ready.length, "tenant")} to ${terms.target}`}
        environment={environment}
        name={terms.target}
        nameIs="target shard"
        button={`Queue ${plural(ready.length, "move")}`}
        onClose={() => setAsking(false)}
        onConfirm={queueAll}
      >
        <p>
          {plural(ready.length, "move")} with {plural(sumOf(ready.map((i) => i.plan?.rows)).sum, "row")},{" "}
          {bytes(sumOf(ready.map((i) => i.plan?.bytes)).sum)}, are queued one after the other, each with this reason.{" "}
          {waiting(ready.flatMap((i) => (i.plan ? [i.plan] : [])))} Each can be cancelled or moved back on its own.
        </p>
        {stopped.length > 0 ? <p className="muted">{plural(stopped.length, "tenant")} with something in the way are left out.</p> : null}
      </Confirm>
    );

  return (
    <Modal
      opened
      onClose={work === "start" ? stop : onClose}
      title={`Move ${plural(tenants.length, "tenant")}`}
      size={860}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="stack">
        <p>
          Together {exact ? "" : "≈ "}
          {count(rows.sum)} rows, {exact ? "" : "≈ "}
          {bytes(size.sum)}
          {rows.known < tenants.length ? `, of ${rows.known} of ${tenants.length} whose size is known` : ""}. Each tenant is planned,
          checked and moved on its own, so that each can go back on its own.
        </p>
        {policy.error ? (
          <ErrorPanel
            what="It is not known whether many may be moved"
            problem={problemOf(policy) ?? toProblem(null)}
            onRetry={() => void policy.refetch()}
          />
        ) : null}
        {flag && !flag.on ? (
          <div className="notice warn">
            <Mark tone="warn" />
            <span>
              Changing many tenants at once is off {flag.where}: <span className="mono">{flag.remedy}</span>. They can be planned, and moved
              one by one.
            </span>
          </div>
        ) : null}
        <MoveTerms
          value={terms}
          disabled={work !== ""}
          onChange={(next) => {
            // Plans belong to the terms they were made with.
            setTerms(next);
            setItems((all) => begun(tenants, next.target).map((i) => all.find((x) => x.id === i.id && x.stage === "queued") ?? i));
          }}
        >
          <span className="row end">
            {work !== "" ? (
              <>
                <span className="muted num" role="status">
                  {work === "plan" ? `Planned ${done} of ${items.length}` : `${queued.length} queued, ${ready.length} to go`}
                </span>
                <Button variant="default" onClick={stop}>
                  Stop
                </Button>
              </>
            ) : (
              <Button
                variant={ready.length > 0 ? "default" : "filled"}
                disabled={terms.target === "" || limitOf(terms) === null || queued.length === items.length}
                onClick={makePlans}
              >
                {items.some((i) => i.plan) ? "Plan again" : "Make the plans"}
              </Button>
            )}
          </span>
        </MoveTerms>
        <DataTable label="Chosen tenants" columns={columns} rows={items} rowKey={(i) => i.id} compact maxHeight={228} />
        {stopped.length > 0 ? (
          <section aria-label="What is not queued">
            <h3>{plural(stopped.length, "tenant")} not queued</h3>
            <ul className="checks dense">
              {stopped.map((i) => (
                <li key={i.id}>
                  <Mark tone="bad" />
                  <span className="grow">
                    <span className="medium">{nameOf(i)}</span> <span className="muted">{i.why.join(" · ")}</span>
                  </span>
                  {i.tenant?.move_id ? (
                    <Link to="/moves/$id" params={{ id: i.tenant.move_id }}>
                      Open its move
                    </Link>
                  ) : i.tenant?.shard === terms.target ? null : (
                    <Link to="/moves/new" search={{ tenant: i.id, target: terms.target || undefined }}>
                      Plan…
                    </Link>
                  )}
                </li>
              ))}
            </ul>
          </section>
        ) : null}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          {queued.length > 0 ? (
            <span className="row grow">
              <Status tone="ok">{`${plural(queued.length, "move")} queued`}</Status> <Link to="/moves">All moves</Link>
            </span>
          ) : null}
          <Button variant="default" disabled={work === "start"} onClick={onClose}>
            Close
          </Button>
          <Button disabled={work !== "" || ready.length === 0 || !flag?.on} onClick={() => setAsking(true)}>
            {ready.length > 0 ? `Queue ${plural(ready.length, "move")}…` : "Queue…"}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
