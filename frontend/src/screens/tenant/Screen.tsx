import { Button, Checkbox, NativeSelect } from "@mantine/core";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Fragment, useEffect, useState } from "react";
import { FigureBones, TableBones } from "../../app/Bones";
import { useEnvironment, useStatus } from "../../app/current";
import { eventOutcome, eventTitle, settledEvents } from "../../app/events";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { ActionButton, useHere } from "../../app/Reach";
import { stateOf } from "../../app/tenantState";
import type { TableRows, TenantView } from "../../bridge";
import { Age, Moment } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { Confirm } from "../../ui/Confirm";
import { Mono } from "../../ui/Copy";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Figure, Figures, Value } from "../../ui/Figure";
import { bytes, count, millis, percent, plural, size } from "../../ui/format";
import { good } from "../../ui/Good";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, moveStatus, Status, shardStatus } from "../../ui/Status";
import { partsOf } from "./parts";
import { useAssign, useFound, useTenant } from "./queries";

const over = ["rolled_back", "finalized", "cancelled"];

export function TenantScreen() {
  const { id } = useParams({ from: "/tenants/$id" });
  const { assign } = useSearch({ from: "/tenants/$id" });
  const q = useFound(id);
  const counted = useTenant(id);
  const navigate = useNavigate();
  const t = q.data;
  const held = Boolean(t?.move && !over.includes(t.move.state));
  const ask = (on: true | undefined) =>
    void navigate({ to: "/tenants/$id", params: { id }, search: (s) => ({ ...s, assign: on }), replace: true });
  useHere({
    "tenant.assign": t && !held ? () => ask(true) : undefined,
    "move.start": t && !held ? () => void navigate({ to: "/moves/new", search: { tenant: id, target: undefined } }) : undefined,
  });
  const why = held ? "A move holds this tenant: finish it or take it back first" : undefined;
  return (
    <Main>
      <Head
        title={t ? t.label || t.id : id}
        sub={
          t ? (
            <>
              <span className="badge">{t.shard}</span>
              <span className="cut">{t.title}</span>
              {t.demo ? <span className="tag">demo</span> : null}
            </>
          ) : null
        }
      >
        <span title={why}>
          <ActionButton id="tenant.assign" variant="default" disabled={!t || held}>
            Assign…
          </ActionButton>
        </span>
        <span title={why}>
          <ActionButton id="move.start" disabled={!t || held}>
            Move to another shard…
          </ActionButton>
        </span>
      </Head>
      {t || q.error ? (
        <Loaded data={t} problem={problemOf(q)} what="the tenant" rows={8} onRetry={() => void q.refetch()}>
          {(v: TenantView) => <Body t={v} updated={q.dataUpdatedAt} counted={counted} />}
        </Loaded>
      ) : (
        <>
          <FigureBones what="the tenant" of={4} />
          <section className="panel">
            <TableBones what="its rows" columns={5} rows={10} />
          </section>
        </>
      )}
      {t ? <Assign open={assign === true && !held} tenant={counted.data ?? t} onClose={() => ask(undefined)} /> : null}
    </Main>
  );
}

function Body({ t, updated, counted }: { t: TenantView; updated: number; counted: ReturnType<typeof useTenant> }) {
  const c = counted.data;
  const all = c && !c.tables_reason ? size(c.bytes) : null;
  const used = c?.tables.filter((x) => x.rows > 0) ?? [];
  const largest = [...used].sort((a, b) => b.bytes - a.bytes)[0];
  const why = c?.tables_reason || problemOf(counted)?.message || "being counted, table by table";
  const history = settledEvents(t.history);
  return (
    <>
      {t.move ? <Moving t={t} /> : null}
      {t.move_reason ? (
        <div className="notice">
          <span>Whether a move holds this tenant is not known: {t.move_reason}</span>
        </div>
      ) : null}
      <Figures label="The tenant in figures">
        <Figure
          label="Rows"
          value={all ? count(c?.rows ?? 0) : null}
          reason={why}
          detail={all ? `in ${plural(used.length, "table")}` : why}
        />
        <Figure label="Size" value={all?.value} unit={all?.unit} reason={why} detail="of its rows, without indexes" />
        <Figure
          label="Largest table"
          value={largest ? bytes(largest.bytes) : null}
          reason={all ? "it has no rows" : why}
          detail={largest?.table}
        />
        <Figure
          label="Changes"
          value={t.history_reason ? null : String(history.length)}
          reason={t.history_reason}
          detail={history[0] ? `the last by ${history[0].actor}` : "none recorded"}
        />
      </Figures>
      <div className="cols flat">
        <Panel
          title="Tables"
          note={all ? `${used.length} of ${c?.tables.length} have rows` : undefined}
          age={c ? <Age at={c.counted_at} before="counted " /> : undefined}
        >
          {!c && !counted.isError ? (
            <TableBones what="its rows: each table is counted" columns={5} rows={10} />
          ) : (
            <Loaded data={c} problem={problemOf(counted)} what="its rows" onRetry={() => void counted.refetch()}>
              {(v) =>
                v.tables_reason ? (
                  <Empty
                    title="Rows could not be counted"
                    action={
                      <Button variant="default" loading={counted.isFetching} onClick={() => void counted.refetch()}>
                        Retry
                      </Button>
                    }
                  >
                    {v.tables_reason}
                  </Empty>
                ) : used.length === 0 ? (
                  <Empty title="No rows">
                    This tenant has none on its shard. It can be assigned to another one without moving anything.
                  </Empty>
                ) : (
                  <>
                    <Picture tables={used} />
                    <Shares tables={used} rows={v.rows} />
                  </>
                )
              }
            </Loaded>
          )}
        </Panel>
        <div className="stack" style={{ gap: 16 }}>
          <Where t={t} updated={updated} />
          <History t={t} />
        </div>
      </div>
    </>
  );
}

/** Where is where the tenant lives, with how that shard does. */
function Where({ t, updated }: { t: TenantView; updated: number }) {
  const status = useStatus();
  const shard = status.data?.shards.find((s) => s.name === t.shard);
  const [tone, word] = stateOf(t.status);
  const fields = Object.entries(t.fields ?? {});
  return (
    <Panel title="Where it lives" age={<Age at={updated} />} pad>
      <dl className="facts">
        <dt>Shard</dt>
        <dd className="row">
          <Link to="/shards/$name" params={{ name: t.shard }} className="medium">
            {t.shard}
          </Link>
          {shard ? <Status tone={shardStatus(shard.status)[0]}>{shardStatus(shard.status)[1]}</Status> : null}
        </dd>
        <dt>Its latency</dt>
        <dd>
          <Value of={shard?.latency_ms} reason={shard?.latency_ms_reason || shard?.error || "not known"}>
            {millis(shard?.latency_ms ?? 0)}
          </Value>
        </dd>
        <dt>Tenant id</dt>
        <dd>
          <Mono text={t.id} what="the id" />
        </dd>
        <dt>Status</dt>
        <dd>
          {t.status ? (
            <Status tone={tone}>{word}</Status>
          ) : (
            <Value of={null} reason="the profile names no column for it">
              {null}
            </Value>
          )}
        </dd>
        <dt>Created</dt>
        <dd>
          <Moment at={t.created_at} />
        </dd>
        {fields.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase())}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
    </Panel>
  );
}

function Moving({ t }: { t: TenantView }) {
  if (!t.move) return null;
  const [tone, word] = moveStatus(t.move);
  return (
    <div className="notice">
      <Status tone={tone}>{word}</Status>
      <span>
        {t.move.source} → {t.move.target}
        {t.move.state === "retained" ? ": the source's copy is kept, so it can move back without losing a write." : ""}
      </span>
      <Link className="end" to="/moves/$id" params={{ id: t.move.id }}>
        Open the move
      </Link>
    </div>
  );
}

const shades = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c6)", "var(--c5)"];

/** Picture is which tables hold the tenant's bytes: the largest five, and all others. */
function Picture({ tables }: { tables: TableRows[] }) {
  const parts = partsOf(tables);
  return (
    <div className="shares">
      <div className="dist" role="img" aria-label={parts.map((p) => `${p.name} ${percent(p.share)}`).join(", ")}>
        {parts.map((p, i) => (
          <i key={p.name} title={`${p.name}: ${percent(p.share)}`} style={{ width: `${p.share * 100}%`, background: shades[i] }} />
        ))}
      </div>
      <ul className="legend num">
        {parts.map((p, i) => (
          <li key={p.name}>
            <em style={{ background: shades[i] }} />
            {p.name} <span className="medium">{percent(p.share)}</span> <span className="faint">{bytes(p.bytes)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Shares({ tables, rows }: { tables: TableRows[]; rows: number }) {
  const columns: Column<TableRows>[] = [
    { key: "table", head: "Table", by: (x) => x.table, cell: (x) => <span className="mono">{x.table}</span> },
    { key: "kind", head: "Belongs by", by: (x) => x.kind, cell: (x) => <span className="muted">{x.kind.replaceAll("_", " ")}</span> },
    { key: "rows", head: "Rows", right: true, by: (x) => x.rows, cell: (x) => count(x.rows) },
    { key: "bytes", head: "Size", right: true, by: (x) => x.bytes, cell: (x) => bytes(x.bytes) },
    {
      key: "share",
      head: "Share of rows",
      width: 160,
      cell: (x) => <Bar share={rows > 0 ? x.rows / rows : 0} label={`share of ${x.table}`} />,
    },
  ];
  const [sort, setSort] = useState<{ key: string; down: boolean } | undefined>({ key: "rows", down: true });
  return <DataTable label="Tables" columns={columns} rows={tables} rowKey={(x) => x.table} sort={sort} onSort={setSort} compact />;
}

function History({ t }: { t: TenantView }) {
  return (
    <Panel
      title="History"
      note={t.history.length > 0 ? "newest first" : undefined}
      age={
        <Link to="/audit" search={{ tenant: t.id }}>
          All of it in the audit trail
        </Link>
      }
    >
      {t.history_reason ? (
        <Empty title="No history">{t.history_reason}</Empty>
      ) : t.history.length === 0 ? (
        <Empty title="Nothing happened yet">Assignments and moves of this tenant appear here.</Empty>
      ) : (
        <ul className="list">
          {settledEvents(t.history)
            .slice(0, 20)
            .map((e) => {
              const [tone, word] = eventOutcome(e);
              return (
                <li key={e.id} title={e.note}>
                  <Mark tone={tone} />
                  <span className="hidden">{word}</span>
                  <span className="cut">
                    <Link to="/audit" search={{ event: e.id }} style={{ color: "inherit" }}>
                      {eventTitle(e)}
                    </Link>
                    <span className="faint"> · {e.actor}</span>
                  </span>
                  <Age at={e.at} />
                </li>
              );
            })}
        </ul>
      )}
    </Panel>
  );
}

function Assign({ open, tenant, onClose }: { open: boolean; tenant: TenantView; onClose: () => void }) {
  const status = useStatus();
  const environment = useEnvironment();
  const assign = useAssign();
  const [shard, setShard] = useState("");
  const [rowsStay, setRowsStay] = useState(false);
  useEffect(() => {
    if (!open) {
      setShard("");
      setRowsStay(false);
    }
  }, [open]);
  const rows = tenant.tables_reason ? null : tenant.rows;
  const targets = (status.data?.shards ?? [])
    .filter((s) => s.name !== tenant.shard)
    .map((s) => ({
      value: s.name,
      label: s.configured ? (s.reachable ? s.name : `${s.name}, does not answer`) : `${s.name}, not configured`,
      disabled: !s.configured || !s.reachable,
    }));
  const stays = rows === null || rows > 0;
  return (
    <Confirm
      open={open}
      title={`Assign ${tenant.label || tenant.id} to another shard`}
      environment={environment}
      name={tenant.label || tenant.id}
      nameIs="tenant"
      button="Assign"
      danger={stays}
      busy={assign.isPending}
      blocked={shard === "" || (stays && !rowsStay)}
      problem={problemOf(assign)}
      onClose={() => {
        assign.reset();
        onClose();
      }}
      onConfirm={({ note, confirm }) =>
        assign.mutate(
          { tenant: tenant.id, shard, rows_stay: rowsStay, note, confirm },
          {
            onSuccess: (a) => {
              good(`${a.label || a.tenant} now points to ${a.to}`);
              onClose();
            },
          },
        )
      }
    >
      <p className="muted">This changes where the application looks for the tenant. It moves no rows.</p>
      <NativeSelect
        label="Shard"
        value={shard}
        data={[{ value: "", label: "Choose a shard" }, ...targets]}
        description="Only a shard that answers can be chosen."
        onChange={(e) => setShard(e.currentTarget.value)}
      />
      {stays ? (
        <div className="notice warn top" style={{ marginBottom: 0 }}>
          <Mark tone="warn" />
          <div className="stack tight">
            <span>
              {rows === null
                ? "Its rows could not be counted, so it may have some on its present shard."
                : `It has ${plural(rows, "row")} on ${tenant.shard}. An assignment is refused while it has: afterwards the application would not find them.`}
            </span>
            <span>
              <Link to="/moves/new" search={{ tenant: tenant.id, target: shard || undefined }}>
                Move it instead…
              </Link>{" "}
              takes the rows along.
            </span>
            <Checkbox
              label="Its rows may stay behind; I know that the application will not find them"
              checked={rowsStay}
              onChange={(e) => setRowsStay(e.currentTarget.checked)}
            />
          </div>
        </div>
      ) : null}
    </Confirm>
  );
}
