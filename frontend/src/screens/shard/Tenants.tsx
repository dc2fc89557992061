import { TextInput } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";
import { TableBones } from "../../app/Bones";
import { RowsEstimate, SizeEstimate } from "../../app/Estimates";
import { RowLink } from "../../app/RowLink";
import { stateOf } from "../../app/tenantState";
import { anyTenant, type ShardStatus, type TenantRow, toProblem } from "../../bridge";
import { Age } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { type Column, DataTable, readSort, writeSort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Value } from "../../ui/Figure";
import { count, percent } from "../../ui/format";
import { moveStatus, Status } from "../../ui/Status";
import { pagesOf, useTenants } from "../tenants/queries";

/** ShardTenants are all tenants that the catalogue points to a shard, the largest first. */
export function ShardTenants({ shard }: { shard: ShardStatus }) {
  const search = useSearch({ from: "/shards/$name" });
  const navigate = useNavigate();
  const [text, setText] = useState(search.q ?? "");
  const [range, setRange] = useState({ first: 0, last: 0 });
  const sort = search.sort ?? "-size";
  const filter = useMemo(
    () => ({ ...anyTenant, shard: shard.name, search: search.q ?? "", sort, full: true, limit: 0 }),
    [shard.name, search.q, sort],
  );
  const tenants = useTenants(filter, range.first, range.last);
  const seen = useCallback((first: number, last: number) => {
    setRange((r) => (pagesOf(r.first, r.last).join() === pagesOf(first, last).join() ? r : { first, last }));
  }, []);
  const change = useCallback(
    (next: { q?: string; sort?: string }) =>
      void navigate({ to: "/shards/$name", params: { name: shard.name }, search: (s) => ({ ...s, ...next }), replace: true }),
    [navigate, shard.name],
  );
  useEffect(() => {
    const t = setTimeout(() => {
      const q = text.trim() || undefined;
      if (q !== search.q) change({ q });
    }, 200);
    return () => clearTimeout(t);
  }, [text, search.q, change]);
  const all = shard.size_bytes;
  const columns: Column<TenantRow>[] = useMemo(
    () => [
      {
        key: "label",
        head: "Subdomain",
        sorts: true,
        cell: (t) => (
          <RowLink to={`/tenants/${encodeURIComponent(t.id)}`} className="strong cut own" title={t.label || t.id}>
            {t.label || t.id}
          </RowLink>
        ),
      },
      {
        key: "id",
        head: "Id",
        right: true,
        width: 76,
        sorts: true,
        cell: (t) => (
          <span className="faint" title={t.id}>
            {t.id}
          </span>
        ),
      },
      {
        key: "title",
        head: "Company",
        sorts: true,
        cell: (t) => (
          <span className="muted" title={t.title}>
            {t.title || "—"}
          </span>
        ),
      },
      { key: "status", head: "Status", width: 150, sorts: true, cell: (t) => <State of={t} /> },
      { key: "rows", head: "Rows ≈", right: true, width: 100, sorts: true, cell: (t) => <RowsEstimate of={t} /> },
      { key: "size", head: "Size ≈", right: true, width: 100, sorts: true, cell: (t) => <SizeEstimate of={t} /> },
      {
        key: "share",
        head: "Of the shard",
        width: 150,
        cell: (t) =>
          typeof t.bytes_estimate === "number" && typeof all === "number" && all > 0 ? (
            <span className="cap">
              <Bar share={t.bytes_estimate / all} label={`${t.label || t.id} of the shard`} />
              <span className="num faint">{percent(t.bytes_estimate / all)}</span>
            </span>
          ) : (
            <Value of={null} reason={t.estimate_reason || shard.size_bytes_reason}>
              {null}
            </Value>
          ),
      },
    ],
    [all, shard.size_bytes_reason],
  );
  const list = tenants.rows;
  return (
    <section className="panel" aria-label={`Tenants of ${shard.name}`}>
      <div className="filters">
        <TextInput
          data-filter
          aria-label="Filter by subdomain, id or company"
          placeholder="Filter by subdomain, id or company"
          rightSection={<kbd>/</kbd>}
          className="find"
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "Escape") {
              setText("");
              e.currentTarget.blur();
            } else if (e.key === "Enter" || e.key === "ArrowDown") {
              e.preventDefault();
              e.currentTarget.blur();
            }
          }}
        />
        {tenants.total === undefined ? null : (
          <span className="muted num">
            {count(tenants.total)} {search.q ? "found" : "in the catalogue"}
          </span>
        )}
        <span className="end age">
          <Link to="/tenants" search={{ shard: shard.name, sort, q: search.q }}>
            Choose, move or export them
          </Link>{" "}
          {tenants.updatedAt ? <Age at={tenants.updatedAt} /> : null}
        </span>
      </div>
      {tenants.error ? (
        <div className="pad">
          <ErrorPanel
            what={list ? "Its tenants could not be read again; what is below is older" : "Its tenants could not be read"}
            problem={toProblem(tenants.error)}
            onRetry={tenants.refetch}
          />
        </div>
      ) : null}
      {list === undefined || tenants.total === undefined ? (
        tenants.error ? null : (
          <TableBones what="its tenants" columns={columns.length} rows={12} />
        )
      ) : tenants.total === 0 ? (
        search.q ? (
          <Empty title="No tenant fits">The text is looked for in subdomain, id and company.</Empty>
        ) : (
          <Empty title="No tenants">The catalogue points no tenant here.</Empty>
        )
      ) : (
        <DataTable
          label={`Tenants of ${shard.name}`}
          keyboard
          sorted
          maxHeight={560}
          columns={columns}
          rows={list}
          rowKey={(t) => t.id}
          sort={readSort(sort)}
          onSort={(s) => change({ sort: writeSort(s) })}
          onRange={seen}
          onOpen={(t) => void navigate({ to: "/tenants/$id", params: { id: t.id } })}
        />
      )}
    </section>
  );
}

function State({ of: t }: { of: TenantRow }) {
  if (t.move_state && t.move_id) {
    const [tone, word] = moveStatus({ state: t.move_state, held: false, settled: t.move_state === "failed" });
    return (
      <RowLink to={`/moves/${encodeURIComponent(t.move_id)}`} title={`Its move; the application says ${t.status || "nothing"}`}>
        <Status tone={tone}>{word}</Status>
      </RowLink>
    );
  }
  const [tone, word] = stateOf(t.status);
  return <Status tone={tone}>{word}</Status>;
}
