import { Button, Checkbox, NativeSelect } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useEnvironment, useStatus } from "../../app/current";
import { eventOutcome, eventTitle } from "../../app/events";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import type { TableRows, TenantView } from "../../bridge";
import { Age, Moment } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { Confirm } from "../../ui/Confirm";
import { Mono } from "../../ui/Copy";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Figure, Figures } from "../../ui/Figure";
import { bytes, count, plural, size } from "../../ui/format";
import { good } from "../../ui/Good";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, moveStatus, Status } from "../../ui/Status";
import { useAssign, useTenant } from "./queries";

export function TenantScreen() {
  const { id } = useParams({ from: "/tenants/$id" });
  const q = useTenant(id);
  const navigate = useNavigate();
  const [assigning, setAssigning] = useState(false);
  const t = q.data;
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
        <Button variant="default" disabled={!t} onClick={() => setAssigning(true)}>
          Assign…
        </Button>
        <Button
          disabled={!t || Boolean(t.move && !["rolled_back", "finalized", "cancelled"].includes(t.move.state))}
          onClick={() => void navigate({ to: "/moves/new", search: { tenant: id } })}
        >
          Move to another shard…
        </Button>
      </Head>
      <Loaded data={t} problem={problemOf(q)} what="the tenant" rows={8} onRetry={() => void q.refetch()}>
        {(v: TenantView) => <Body t={v} updated={q.dataUpdatedAt} />}
      </Loaded>
      {t ? <Assign open={assigning} tenant={t} onClose={() => setAssigning(false)} /> : null}
    </Main>
  );
}

function Body({ t, updated }: { t: TenantView; updated: number }) {
  const all = size(t.bytes);
  const counted = !t.tables_reason;
  const used = t.tables.filter((x) => x.rows > 0);
  const largest = [...used].sort((a, b) => b.bytes - a.bytes)[0];
  return (
    <>
      {t.move ? <Moving t={t} /> : null}
      <Figures label="The tenant in figures">
        <Figure
          label="Rows"
          value={counted ? count(t.rows) : null}
          reason={t.tables_reason}
          detail={`in ${plural(used.length, "table")}`}
        />
        <Figure
          label="Size"
          value={counted ? all.value : null}
          unit={all.unit}
          reason={t.tables_reason}
          detail="without indexes, estimated"
        />
        <Figure
          label="Largest table"
          value={largest ? bytes(largest.bytes) : null}
          reason={t.tables_reason || "it has no rows"}
          detail={largest?.table}
        />
        <Figure
          label="Changes"
          value={t.history_reason ? null : String(t.history.length)}
          reason={t.history_reason}
          detail={t.history[0] ? `the last by ${t.history[0].actor}` : "none recorded"}
        />
      </Figures>
      <div className="cols first">
        <Panel title="Tables" note={`${used.length} of ${t.tables.length} have rows`} age={<Age at={t.counted_at} before="counted " />}>
          {t.tables_reason ? (
            <Empty title="Rows could not be counted">{t.tables_reason}</Empty>
          ) : used.length === 0 ? (
            <Empty title="No rows">This tenant has none on its shard. It can be assigned to another one without moving anything.</Empty>
          ) : (
            <Shares tables={used} rows={t.rows} />
          )}
        </Panel>
        <div className="stack" style={{ gap: 16 }}>
          <Panel title="About" age={<Age at={updated} />} pad>
            <dl className="facts">
              <dt>Id</dt>
              <dd>
                <Mono text={t.id} what="the id" />
              </dd>
              <dt>Shard</dt>
              <dd>
                <Link to="/shards/$name" params={{ name: t.shard }}>
                  {t.shard}
                </Link>
              </dd>
              <dt>Status</dt>
              <dd>{t.status ?? "—"}</dd>
              <dt>Created</dt>
              <dd>
                <Moment at={t.created_at} />
              </dd>
            </dl>
          </Panel>
          <History t={t} />
        </div>
      </div>
    </>
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
    <Panel title="History" note={t.history.length > 0 ? "newest first" : undefined}>
      {t.history_reason ? (
        <Empty title="No history">{t.history_reason}</Empty>
      ) : t.history.length === 0 ? (
        <Empty title="Nothing happened yet">Assignments and moves of this tenant appear here.</Empty>
      ) : (
        <ul className="list">
          {t.history.slice(0, 20).map((e) => {
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
  const rows = tenant.tables_reason ? null : tenant.rows;
  const targets = (status.data?.shards ?? []).filter((s) => s.configured && s.name !== tenant.shard).map((s) => s.name);
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
        onChange={(e) => setShard(e.currentTarget.value)}
      />
      {stays ? (
        <div className="notice warn top" style={{ marginBottom: 0 }}>
          <Mark tone="warn" />
          <div className="stack tight">
            <span>
              {rows === null
                ? "Its rows could not be counted, so it may have some on its present shard."
                : `It has ${plural(rows, "row")} on ${tenant.shard}. After an assignment the application no longer finds them; move it instead.`}
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
