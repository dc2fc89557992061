import { NativeSelect, TextInput } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { TableBones } from "../../app/Bones";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import type { MapTable } from "../../bridge";
import { Age } from "../../ui/Age";
import { type Column, DataTable, readSort, writeSort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Value } from "../../ui/Figure";
import { count, plural } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head } from "../../ui/Panel";
import { Mark, Status } from "../../ui/Status";
import { useMap } from "./queries";
import { followsMeaning, followsWord, kindWord, meaning, owner } from "./words";

const route = getRouteApi("/map");

const columns: Column<MapTable>[] = [
  {
    key: "table",
    head: "Table",
    width: 240,
    by: (t) => t.table,
    cell: (t) => (
      <span className="mono" title={t.table}>
        {t.table}
      </span>
    ),
  },
  {
    key: "kind",
    head: "Class",
    width: 210,
    by: (t) => t.kind,
    cell: (t) => (
      <span title={meaning(t.kind)}>
        {kindWord(t.kind)}
        {t.mixed ? <span className="tag mixed">mixed</span> : null}
      </span>
    ),
  },
  {
    key: "owner",
    head: "Finds its tenant by",
    by: owner,
    cell: (t) =>
      owner(t) ? (
        <span className="mono muted" title={owner(t)}>
          {owner(t)}
        </span>
      ) : (
        <Value of={null} reason={meaning(t.kind)}>
          {null}
        </Value>
      ),
  },
  {
    key: "follows",
    head: "Follows",
    width: 92,
    by: (t) => t.follows,
    cell: (t) =>
      t.moves ? (
        <span className={t.follows === "false" ? "tone-bad" : "muted"} title={followsMeaning(t.follows)}>
          {followsWord(t.follows)}
        </span>
      ) : (
        <span className="faint" title="it does not move">
          —
        </span>
      ),
  },
  {
    key: "rows",
    head: "Rows ≈",
    right: true,
    width: 96,
    by: (t) => t.rows_estimate,
    cell: (t) => (
      <Value of={t.rows_estimate} reason="the server has no estimate for this table yet">
        {count(t.rows_estimate ?? 0)}
      </Value>
    ),
  },
  {
    key: "moves",
    head: "In a move",
    width: 100,
    by: (t) => (t.moves ? 1 : 0),
    cell: (t) => (t.moves ? <Status tone="ok">Moves</Status> : <Status tone="off">Stays</Status>),
  },
];

export function TableMapScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const q = useMap();
  const tables = q.data?.tables ?? [];
  const kinds = [...new Set(tables.map((t) => t.kind))].sort();
  const moving = tables.filter((t) => t.moves).length;
  return (
    <Main fill>
      <Head
        title="Table map"
        sub={
          q.data
            ? `${plural(q.data.tables.length, "table")} in ${q.data.database}, ${moving} move with a tenant · profile ${q.data.profile}`
            : null
        }
      />
      {q.data && q.data.problems.length > 0 ? (
        <div className="notice warn top" role="status">
          <Mark tone="warn" />
          <div className="stack tight">
            {q.data.problems.slice(0, 5).map((p) => (
              <span key={p}>{p}</span>
            ))}
            {q.data.problems.length > 5 ? (
              <span>and {q.data.problems.length - 5} more; `shard-admin map --check` lists them all</span>
            ) : null}
          </div>
        </div>
      ) : null}
      <section className="panel tall fixed map" aria-label="Tables">
        <div className="filters">
          <TextInput
            data-filter
            aria-label="Filter by table"
            placeholder="Filter by table"
            rightSection={<kbd>/</kbd>}
            className="find"
            value={search.q ?? ""}
            onChange={(e) => {
              const text = e.currentTarget.value || undefined;
              void navigate({ to: "/map", search: (s) => ({ ...s, q: text }), replace: true });
            }}
          />
          <NativeSelect
            aria-label="Class"
            w={220}
            value={search.kind ?? ""}
            data={[{ value: "", label: "Class: any" }, ...kinds.map((k) => ({ value: k, label: `Class: ${kindWord(k)}` }))]}
            onChange={(e) => {
              const kind = e.currentTarget.value || undefined;
              void navigate({ to: "/map", search: (s) => ({ ...s, kind }), replace: true });
            }}
          />
          <span className="end age">{q.data ? <Age at={q.dataUpdatedAt} /> : null}</span>
        </div>
        {!q.data && !q.isError ? <TableBones what="the table map" columns={6} rows={14} /> : null}
        <Loaded
          data={q.data ?? (q.isError ? undefined : null)}
          problem={problemOf(q)}
          what="the table map"
          rows={10}
          onRetry={() => void q.refetch()}
        >
          {(map) => {
            if (map === null) return null;
            const text = (search.q ?? "").toLowerCase();
            const shown = map.tables.filter((t) => t.table.toLowerCase().includes(text) && (!search.kind || t.kind === search.kind));
            return shown.length === 0 ? (
              <Empty
                title="No table fits"
                action={
                  <button
                    type="button"
                    className="linkish"
                    onClick={() => void navigate({ to: "/map", search: (s) => ({ ...s, q: undefined, kind: undefined }), replace: true })}
                  >
                    Clear the filters
                  </button>
                }
              >
                The text is looked for in the table's name.
              </Empty>
            ) : (
              <DataTable
                label="Table map"
                columns={columns}
                rows={shown}
                rowKey={(t) => t.table}
                fill
                keyboard
                sort={readSort(search.sort)}
                onSort={(next) => void navigate({ to: "/map", search: (s) => ({ ...s, sort: writeSort(next) }), replace: true })}
              />
            );
          }}
        </Loaded>
      </section>
    </Main>
  );
}
