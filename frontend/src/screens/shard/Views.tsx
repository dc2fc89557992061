import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { action } from "../../app/actions";
import { TableBones } from "../../app/Bones";
import { problemOf } from "../../app/problem";
import type { ShardView, ShardViews, ViewSession } from "../../bridge";
import { Age } from "../../ui/Age";
import { Copy, Mono } from "../../ui/Copy";
import { type Column, DataTable, type Sort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Value } from "../../ui/Figure";
import { bytes, count, millis, percent } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";
import type { EndAsked } from "./End";
import { useShardViews } from "./queries";

/** many is from how many rows on a view can be filtered. */
const many = 12;

/** Views are the subjects of one part of a shard, as its server tells them. */
export function Views({ shard, group, on, onAsk }: { shard: string; group: string; on: boolean; onAsk: (asked: EndAsked) => void }) {
  const q = useShardViews(shard, on);
  if (!on)
    return (
      <section className="panel">
        <Empty title="Not known while the shard does not answer" />
      </section>
    );
  if (!q.data && !q.isError) return <TableBones what="what the server says" columns={5} rows={8} />;
  return (
    <Loaded data={q.data} problem={problemOf(q)} what="what the server says" onRetry={() => void q.refetch()}>
      {(all: ShardViews) => (
        <div className="stack" style={{ gap: 16 }}>
          {all.views
            .filter((v) => v.group === group)
            .map((v) => (
              <One key={v.name} of={v} onAsk={onAsk} />
            ))}
        </div>
      )}
    </Loaded>
  );
}

type Row = { cells: string[]; at: number; session: ViewSession | undefined };

function One({ of: v, onAsk }: { of: ShardView; onAsk: (asked: EndAsked) => void }) {
  const [sort, setSort] = useState<Sort>();
  const [wanted, setWanted] = useState("");
  const small = wanted.trim().toLowerCase();
  const rows: Row[] = v.rows
    .map((cells, at) => ({ cells, at, session: v.sessions[at] }))
    .filter((r) => small === "" || r.cells.some((c) => c.toLowerCase().includes(small)));
  const note = typeof v.over_seconds === "number" ? `over the last ${millis(v.over_seconds * 1000)}` : undefined;
  // A tree has the order that it is.
  const tree = v.name === "locks";
  return (
    <Panel
      title={v.title}
      note={note}
      age={
        <>
          {v.rows.length > many ? (
            <TextInput
              size="xs"
              w={180}
              placeholder={`Filter ${count(v.rows.length)}`}
              aria-label={`Filter ${v.title}`}
              value={wanted}
              onChange={(e) => setWanted(e.currentTarget.value)}
            />
          ) : null}
          <Age at={v.checked_at} />
        </>
      }
    >
      {v.reason ? (
        <div className="pad">
          <p className="muted">{sentence(v.reason)}</p>
          {v.grant ? (
            <p className="e">
              <Mono text={v.grant} what="the statement" />
            </p>
          ) : null}
        </div>
      ) : null}
      {v.rows.length === 0 ? (
        v.reason ? null : (
          <p className="pad muted">{sentence(v.empty)}</p>
        )
      ) : rows.length === 0 ? (
        <p className="pad muted">Nothing holds “{wanted}”.</p>
      ) : (
        <DataTable
          label={v.title}
          compact
          columns={columns(v, tree, onAsk)}
          rows={rows}
          rowKey={(r) => String(r.at)}
          sort={sort}
          onSort={tree ? undefined : setSort}
          sorted={tree}
          maxHeight={rows.length > many ? 480 : undefined}
        />
      )}
    </Panel>
  );
}

function sentence(text: string): string {
  return `${text.replace(/^./, (c) => c.toUpperCase())}.`;
}

const figures = new Set(["count", "bytes", "seconds", "ms", "share"]);

function column(name: string, kind: string, i: number, tree: boolean): Column<Row> {
  const figure = figures.has(kind);
  const head = name.replace(/^./, (c) => c.toUpperCase());
  return {
    key: name,
    head,
    right: figure,
    by: tree
      ? undefined
      : (r) => {
          const v = r.cells[i] ?? "";
          if (v === "") return null;
          return figure ? Number(v) : v;
        },
    cell: (r) => <Cell kind={kind} value={r.cells[i] ?? ""} what={name} />,
  };
}

/** columns are a view's own; what can be done stands beside the session, where a long statement does not push it out of sight. */
function columns(v: ShardView, tree: boolean, onAsk: (asked: EndAsked) => void): Column<Row>[] {
  const own = v.columns.map((c, i) => column(c.name, c.kind, i, tree));
  return v.sessions.length > 0 ? [...own.slice(0, 1), ends(v, onAsk), ...own.slice(1)] : own;
}

/** ends is the column of what can be done with a row's session. */
function ends(v: ShardView, onAsk: (asked: EndAsked) => void): Column<Row> {
  const state = v.columns.findIndex((c) => c.name === "state");
  return {
    key: "do",
    head: "",
    width: 130,
    cell: ({ session, cells }) => {
      if (!session || session.pid === 0) return null;
      const ask = (id: EndAsked["id"]) => onAsk({ id, pid: session.pid, startedAt: session.started_at ?? "" });
      return (
        <span className="row">
          {cells[state] === "active" ? (
            <Button
              size="compact-xs"
              h={24}
              variant="default"
              title={action("session.cancel").title}
              aria-label={`Cancel what session ${session.pid} runs`}
              onClick={() => ask("session.cancel")}
            >
              Cancel…
            </Button>
          ) : null}
          <Button
            size="compact-xs"
            h={24}
            variant="default"
            title={action("session.end").title}
            aria-label={`End session ${session.pid}`}
            onClick={() => ask("session.end")}
          >
            End…
          </Button>
        </span>
      );
    },
  };
}

function Cell({ kind, value, what }: { kind: string; value: string; what: string }) {
  if (value === "") {
    return kind === "text" || kind === "code" ? null : (
      <Value of={null} reason="the server does not say">
        {null}
      </Value>
    );
  }
  const n = Number(value);
  switch (kind) {
    case "count":
      return count(n);
    case "bytes":
      return bytes(n);
    case "seconds":
      return millis(n * 1000);
    case "ms":
      return millis(n);
    case "share":
      return percent(n);
    case "time":
      return <Age at={value} />;
    case "code":
      return value.length > 40 ? (
        <span className="row">
          <span className="mono cut" title={value}>
            {value}
          </span>
          <Copy text={value} what={`the ${what}`} />
        </span>
      ) : (
        <span className="mono">{value}</span>
      );
  }
  return value;
}
