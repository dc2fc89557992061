import { NativeSelect, TextInput } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
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

const route = getRouteApi("/map");

function owner(t: MapTable): string {
  if (t.edges.length > 0) return t.edges.join(", ");
  if (t.path.length > 0) return t.path.join(" → ");
  return t.tenant_column || t.follows;
}

const columns: Column<MapTable>[] = [
  { key: "table", head: "Table", by: (t) => t.table, cell: (t) => <span className="mono">{t.table}</span> },
  { key: "kind", head: "Class", by: (t) => t.kind, cell: (t) => `${t.kind.replaceAll("_", " ")}${t.mixed ? ", mixed" : ""}` },
  {
    key: "owner",
    head: "Finds its tenant by",
    by: owner,
    cell: (t) => (
      <span className="mono muted" title={owner(t)}>
        {owner(t) || "—"}
      </span>
    ),
  },
  {
    key: "rows",
    head: "Rows ≈",
    right: true,
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
    width: 130,
    by: (t) => (t.moves ? 1 : 0),
    cell: (t) => (t.moves ? <Status tone="ok">Moves</Status> : <Status tone="off">Stays</Status>),
  },
];

export function TableMapScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const q = useMap();
  const kinds = [...new Set((q.data?.tables ?? []).map((t) => t.kind))].sort();
  return (
    <Main fill>
      <Head
        title="Table map"
        sub={q.data ? `${plural(q.data.tables.length, "table")} in ${q.data.database}, profile ${q.data.profile}` : null}
      />
      {q.data && q.data.problems.length > 0 ? (
        <div className="notice warn top" role="status">
          <Mark tone="warn" />
          <div className="stack tight">
            {q.data.problems.slice(0, 5).map((p) => (
              <span key={p}>{p}</span>
            ))}
            {q.data.problems.length > 5 ? <span>and {q.data.problems.length - 5} more</span> : null}
          </div>
        </div>
      ) : null}
      <section className="panel" style={{ flex: 1, minHeight: 0, display: "flex", flexDirection: "column" }} aria-label="Tables">
        <div className="filters">
          <TextInput
            data-filter
            aria-label="Filter by table"
            placeholder="Filter by table"
            rightSection={<kbd>/</kbd>}
            w={300}
            value={search.q ?? ""}
            onChange={(e) => {
              const text = e.currentTarget.value || undefined;
              void navigate({ to: "/map", search: (s) => ({ ...s, q: text }), replace: true });
            }}
          />
          <NativeSelect
            aria-label="Class"
            w={200}
            value={search.kind ?? ""}
            data={[{ value: "", label: "Class: any" }, ...kinds.map((k) => ({ value: k, label: k.replaceAll("_", " ") }))]}
            onChange={(e) => {
              const kind = e.currentTarget.value || undefined;
              void navigate({ to: "/map", search: (s) => ({ ...s, kind }), replace: true });
            }}
          />
          <span className="end age">
            <Age at={q.dataUpdatedAt} />
          </span>
        </div>
        <Loaded data={q.data} problem={problemOf(q)} what="the table map" rows={10} onRetry={() => void q.refetch()}>
          {(map) => {
            const shown = map.tables.filter((t) => t.table.includes(search.q ?? "") && (!search.kind || t.kind === search.kind));
            return shown.length === 0 ? (
              <Empty title="No table fits">The filter looks at the table's name.</Empty>
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
