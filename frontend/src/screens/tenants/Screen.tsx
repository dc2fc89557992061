import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { useStatus } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { useAction } from "../../app/Reach";
import { type PlacementCheck, type TenantRow, toProblem } from "../../bridge";
import { Age, Moment } from "../../ui/Age";
import { type Column, DataTable, readSort, writeSort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { count, plural } from "../../ui/format";
import { Head } from "../../ui/Panel";
import { Mark, moveStatus, Status } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";
import { usePlacement, useTenants } from "./queries";

const route = getRouteApi("/tenants");

const columns: Column<TenantRow>[] = [
  {
    key: "label",
    head: "Subdomain",
    sorts: true,
    cell: (t) => (
      <Link to="/tenants/$id" params={{ id: t.id }} className="strong" style={{ color: "inherit" }}>
        {t.label || t.id}
      </Link>
    ),
  },
  { key: "id", head: "Id", right: true, width: 110, sorts: true, cell: (t) => <span className="faint">{t.id}</span> },
  { key: "title", head: "Company", sorts: true, cell: (t) => <span className="muted">{t.title || "—"}</span> },
  { key: "shard", head: "Shard", sorts: true, width: 120, cell: (t) => <span className="badge">{t.shard || "—"}</span> },
  {
    key: "state",
    head: "State",
    width: 190,
    cell: (t) => {
      if (!t.move_state) return t.status ? <Status tone="ok">{t.status}</Status> : <Status tone="ok">Live</Status>;
      const [tone, word] = moveStatus({ state: t.move_state, held: false, settled: t.move_state === "failed" });
      return t.move_id ? (
        <Link to="/moves/$id" params={{ id: t.move_id }}>
          <Status tone={tone}>{word}</Status>
        </Link>
      ) : (
        <Status tone={tone}>{word}</Status>
      );
    },
  },
  {
    key: "demo",
    head: "Demo",
    width: 80,
    cell: (t) => (t.demo ? <span className="tag">demo</span> : <span className="faint">{t.demo === false ? "no" : "—"}</span>),
  },
  { key: "created", head: "Created", width: 170, sorts: true, cell: (t) => <Moment at={t.created_at} /> },
];

export function TenantsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const status = useStatus();
  const move = useAction("move.start");
  const [text, setText] = useState(search.q ?? "");
  const [range, setRange] = useState({ first: 0, last: 0 });
  const tenants = useTenants({ shard: search.shard ?? "", search: search.q ?? "", sort: search.sort ?? "" }, range.first, range.last);
  const placement = usePlacement();
  const [checking, setChecking] = useState(false);
  const seen = useCallback(
    (first: number, last: number) => setRange((r) => (r.first === first && r.last === last ? r : { first, last })),
    [],
  );

  useEffect(() => {
    const t = setTimeout(() => {
      const q = text.trim() || undefined;
      if (q !== search.q) void navigate({ to: "/tenants", search: (s) => ({ ...s, q }), replace: true });
    }, 200);
    return () => clearTimeout(t);
  }, [text, search.q, navigate]);

  const shards = status.data?.shards.map((s) => s.name) ?? [];
  const filtered = Boolean(search.q || search.shard);
  return (
    <Main fill>
      <Head title="Tenants" sub={tenants.total === undefined ? null : count(tenants.total)}>
        <Button
          variant="default"
          onClick={() => {
            setChecking(true);
            placement.mutate();
          }}
        >
          Check placement
        </Button>
        <Button onClick={move}>Move a tenant…</Button>
      </Head>
      <section className="panel" style={{ flex: 1, minHeight: 0, display: "flex", flexDirection: "column" }} aria-label="Tenants">
        <div className="filters">
          <TextInput
            data-filter
            aria-label="Filter by subdomain, id or company"
            placeholder="Filter by subdomain, id or company"
            rightSection={<kbd>/</kbd>}
            w={300}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Escape") {
                setText("");
                e.currentTarget.blur();
              }
            }}
          />
          <NativeSelect
            aria-label="Shard"
            w={170}
            value={search.shard ?? ""}
            data={[{ value: "", label: "Shard: any" }, ...shards.map((s) => ({ value: s, label: s }))]}
            onChange={(e) => {
              const shard = e.currentTarget.value || undefined;
              void navigate({ to: "/tenants", search: (s) => ({ ...s, shard }), replace: true });
            }}
          />
          <span className="end age row">
            {tenants.total === undefined ? "" : `${count(tenants.total)} ${filtered ? "found" : "in all"} ·`} <Age at={tenants.updatedAt} />
          </span>
        </div>
        {tenants.error ? (
          <div style={{ padding: 12 }}>
            <ErrorPanel what="The tenants could not be read" problem={toProblem(tenants.error)} onRetry={tenants.refetch} />
          </div>
        ) : null}
        {tenants.total === undefined ? (
          tenants.error ? null : (
            <Waiting what="the tenants" rows={10} />
          )
        ) : tenants.total === 0 ? (
          filtered ? (
            <Empty
              title="No tenant fits"
              action={
                <Button
                  variant="default"
                  onClick={() => {
                    setText("");
                    void navigate({ to: "/tenants", search: {}, replace: true });
                  }}
                >
                  Clear the filter
                </Button>
              }
            >
              The filter looks at subdomain, id and company.
            </Empty>
          ) : (
            <Empty title="No tenants yet">
              The catalogue in the control database has none. They appear here as the application creates them.
            </Empty>
          )
        ) : (
          <DataTable
            label="List of tenants"
            columns={columns}
            rows={tenants.rows}
            rowKey={(t) => t.id}
            fill
            keyboard
            sorted
            sort={readSort(search.sort)}
            onSort={(next) => void navigate({ to: "/tenants", search: (s) => ({ ...s, sort: writeSort(next) }), replace: true })}
            onOpen={(t) => void navigate({ to: "/tenants/$id", params: { id: t.id } })}
            onRange={seen}
          />
        )}
      </section>
      <Modal
        opened={checking}
        onClose={() => setChecking(false)}
        title="Are all rows where the pointers say?"
        size={720}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        {placement.isPending ? <Waiting what="every shard's rows; this looks at each table" onCancel={() => setChecking(false)} /> : null}
        {placement.error ? (
          <ErrorPanel
            what="The placement could not be checked"
            problem={problemOf(placement) ?? toProblem("")}
            onRetry={() => placement.mutate()}
          />
        ) : null}
        {placement.data && !placement.isPending ? <Outcome check={placement.data} /> : null}
      </Modal>
    </Main>
  );
}

function Outcome({ check }: { check: PlacementCheck }) {
  return (
    <div className="stack">
      <p className="row">
        <Mark tone={check.ok ? "ok" : "bad"} />
        <span>
          {check.ok
            ? `${plural(check.checked, "tenant")} checked: each one's rows are where its pointer says.`
            : `${plural(check.tenants.length, "tenant")} of ${count(check.checked)} disagree or could not be judged.`}
        </span>
      </p>
      {check.unreachable.length > 0 ? (
        <p className="tone-warn">Not looked at, because there was no answer: {check.unreachable.join(", ")}.</p>
      ) : null}
      {check.tenants.length > 0 ? (
        <DataTable
          label="Tenants that disagree"
          maxHeight={380}
          columns={[
            {
              key: "label",
              head: "Tenant",
              cell: (t) => (
                <Link to="/tenants/$id" params={{ id: t.id }}>
                  {t.label || t.id}
                </Link>
              ),
            },
            { key: "pointer", head: "Pointer", cell: (t) => <span className="badge">{t.pointer}</span> },
            { key: "rows", head: "Rows on", cell: (t) => t.rows_on.join(", ") || "no shard" },
            { key: "why", head: "Why", cell: (t) => <span title={t.why}>{t.why}</span> },
          ]}
          rows={check.tenants}
          rowKey={(t) => t.id}
        />
      ) : null}
    </div>
  );
}
