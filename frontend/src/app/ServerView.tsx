import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { ShardView, ViewSession } from "../bridge";
import { Age } from "../ui/Age";
import { Copy, Mono } from "../ui/Copy";
import { type Column, DataTable, type Sort } from "../ui/DataTable";
import { Value } from "../ui/Figure";
import { bytes, count, millis, percent } from "../ui/format";
import { Panel } from "../ui/Panel";

/** many is from how many rows on a view can be filtered. */
const many = 12;

/** ServerRow is a row of a view, with the session that it is about where it is about one. */
export type ServerRow = { cells: string[]; at: number; session: ViewSession | undefined };

/** ServerView is a subject of one shard, or of all side by side, as servers tell it; a column may stand beside its first one. */
export function ServerView({ of: v, beside }: { of: ShardView; beside?: Column<ServerRow> }) {
  const [sort, setSort] = useState<Sort>();
  const [wanted, setWanted] = useState("");
  const small = wanted.trim().toLowerCase();
  const rows: ServerRow[] = v.rows
    .map((cells, at) => ({ cells, at, session: v.sessions[at] }))
    .filter((r) => small === "" || r.cells.some((c) => c.toLowerCase().includes(small)));
  const note = typeof v.over_ms === "number" ? `over the last ${millis(v.over_ms)}` : undefined;
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
          columns={columns(v, tree, beside)}
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

function column(name: string, kind: string, i: number, tree: boolean): Column<ServerRow> {
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

/** columns are a view's own; what can be done stands beside the first, where a long statement does not push it out of sight. */
function columns(v: ShardView, tree: boolean, beside?: Column<ServerRow>): Column<ServerRow>[] {
  const own = v.columns.map((c, i) => column(c.name, c.kind, i, tree));
  return beside ? [...own.slice(0, 1), beside, ...own.slice(1)] : own;
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
