import { Button, Menu, NativeSelect, TextInput } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { TableBones } from "../../app/Bones";
import { useStatus } from "../../app/current";
import { Main } from "../../app/Main";
import { ActionButton, useHere } from "../../app/Reach";
import { type TenantFilter, type TenantRow, toProblem } from "../../bridge";
import { Age } from "../../ui/Age";
import { DataTable, readSort, writeSort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { bytes, count, plural } from "../../ui/format";
import { good } from "../../ui/Good";
import { Icon } from "../../ui/icons";
import { covered, typing } from "../../ui/keyboard";
import { Head } from "../../ui/Panel";
import { AssignDialog } from "./Assign";
import { Bulk } from "./Bulk";
import { chosenColumns, columnsOf } from "./columns";
import { PlacementDialog } from "./Dialogs";
import { idsBetween, pagesOf, useExport, useTenants } from "./queries";
import { added, most, readSelection, sumOf, toggled, writeSelection } from "./selection";

const route = getRouteApi("/tenants");
const columnsKey = "shard-admin.tenants.columns";
const sizes = [
  ["1000000", "over 1 MB"],
  ["10000000", "over 10 MB"],
  ["100000000", "over 100 MB"],
  ["1000000000", "over 1 GB"],
  ["10000000000", "over 10 GB"],
] as const;

type Search = ReturnType<typeof route.useSearch>;

/** filterOf is what the address asks for. */
export function filterOf(s: Search): TenantFilter {
  return {
    shard: s.shard ?? "",
    search: s.q ?? "",
    sort: s.sort ?? "",
    state: s.state ?? "",
    demo: s.demo ?? "",
    min_bytes: Number(s.size ?? 0) || 0,
    full: true,
    limit: 0,
    offset: 0,
  };
}

export function TenantsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const status = useStatus();
  const [text, setText] = useState(search.q ?? "");
  const [range, setRange] = useState({ first: 0, last: 0 });
  const filter = useMemo(() => filterOf(search), [search]);
  const tenants = useTenants(filter, range.first, range.last);
  const [checking, setChecking] = useState(false);
  const [preview, setPreview] = useState(false);
  const [assigning, setAssigning] = useState(false);
  const [rangeError, setRangeError] = useState<unknown>(null);
  const save = useExport();
  // The screen follows the pages, not each row: the table draws rows by itself.
  const seen = useCallback((first: number, last: number) => {
    setRange((r) => (pagesOf(r.first, r.last).join() === pagesOf(first, last).join() ? r : { first, last }));
  }, []);
  const change = useCallback(
    (next: Partial<Search>) => void navigate({ to: "/tenants", search: (s) => ({ ...s, ...next }), replace: true }),
    [navigate],
  );

  useEffect(() => {
    const t = setTimeout(() => {
      const q = text.trim() || undefined;
      if (q !== search.q) change({ q });
    }, 200);
    return () => clearTimeout(t);
  }, [text, search.q, change]);

  // What was seen of tenants: the choice outlives their being in sight.
  const rows = useRef(new Map<string, TenantRow>());
  const [states, setStates] = useState<string[]>([]);
  useEffect(() => {
    const found = new Set<string>();
    for (const t of tenants.rows ?? []) {
      if (!t) continue;
      rows.current.set(t.id, t);
      if (t.status) found.add(t.status);
    }
    setStates((old) => {
      const all = [...new Set([...old, ...found])].sort();
      return all.length === old.length ? old : all;
    });
  }, [tenants.rows]);

  const ids = useMemo(() => readSelection(search.sel), [search.sel]);
  const chosen = useMemo(() => new Set(ids), [ids]);
  const anchor = useRef(-1);
  const list = tenants.rows;
  const pick = useCallback(
    (row: TenantRow, toHere: boolean) => {
      const at = list?.findIndex((r) => r?.id === row.id) ?? -1;
      if (toHere && anchor.current >= 0 && at >= 0) {
        setRangeError(null);
        void idsBetween(filter, anchor.current, at)
          .then((between) => {
            for (const t of between) rows.current.set(t.id, t);
            change({
              sel: writeSelection(
                added(
                  ids,
                  between.map((t) => t.id),
                ),
              ),
            });
          })
          .catch(setRangeError);
      } else change({ sel: writeSelection(toggled(ids, row.id)) });
      anchor.current = at;
    },
    [list, filter, ids, change],
  );
  useEffect(() => {
    const hear = (e: KeyboardEvent) => {
      if (e.key !== " " || typing(e.target) || covered() || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.target instanceof HTMLButtonElement || e.target instanceof HTMLAnchorElement) return;
      // The table marks the row under its cursor.
      const at = document.querySelector<HTMLElement>('tr[data-cursor="true"]')?.dataset.index;
      const row = at === undefined ? undefined : list?.[Number(at)];
      if (!row) return;
      e.preventDefault();
      pick(row, e.shiftKey);
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [list, pick]);

  const all = useMemo(
    () => columnsOf({ fields: tenants.fields, chosen, onPick: pick, changedReason: tenants.changedReason }),
    [tenants.fields, chosen, pick, tenants.changedReason],
  );
  const shown = useMemo(() => chosenColumns(all, search.cols ?? localStorage.getItem(columnsKey) ?? undefined), [all, search.cols]);
  const choose = (key: string) => {
    const next = all.filter((c) => (c.key === key ? !shown.includes(c) : shown.includes(c)));
    const cols = next.map((c) => c.key).join(",");
    localStorage.setItem(columnsKey, cols);
    change({ cols });
  };

  const shards = status.data?.shards.map((s) => s.name) ?? [];
  const filtered = Boolean(search.q || search.shard || search.state || search.demo || search.size);
  const clear = () => {
    setText("");
    void navigate({ to: "/tenants", search: (s) => ({ sort: s.sort, cols: s.cols }), replace: true });
  };
  const one = ids.length === 1 ? rows.current.get(ids[0] ?? "") : undefined;
  const move = () => {
    if (ids.length > 1) setPreview(true);
    else void navigate({ to: "/moves/new", search: { tenant: ids[0], target: undefined } });
  };
  const exportShown = () =>
    save.mutate(
      { filter, columns: shown.flatMap((c) => c.exports), ids },
      { onSuccess: (f) => good(`${plural(f.rows, "tenant")} written to ${f.path}`) },
    );
  useHere({
    "move.start": move,
    "tenants.export": tenants.total ? exportShown : undefined,
    "tenants.check": () => setChecking(true),
    "tenants.assign": () => setAssigning(true),
    "tenants.clear": filtered || ids.length > 0 ? clear : undefined,
    "tenant.assign":
      ids.length === 1
        ? () => void navigate({ to: "/tenants/$id", params: { id: ids[0] ?? "" }, search: { assign: true, sort: undefined } })
        : undefined,
  });

  const weight = sumOf(ids.map((id) => rows.current.get(id)?.bytes_estimate));
  return (
    <Main fill>
      <Head title="Tenants" sub={tenants.total === undefined ? null : filtered ? `${count(tenants.total)} found` : count(tenants.total)}>
        <ActionButton id="tenants.check" variant="default" />
        <ActionButton id="tenants.assign" variant="default">
          {ids.length > 1 ? `Assign ${ids.length} tenants…` : "Assign many…"}
        </ActionButton>
        <ActionButton id="tenants.export" variant="default" disabled={!tenants.total} loading={save.isPending}>
          {ids.length > 0 ? `Export ${ids.length} chosen` : "Export"}
        </ActionButton>
        <ActionButton id="move.start">
          {ids.length > 1 ? `Move ${ids.length} tenants…` : one ? `Move ${one.label || one.id}…` : "Move a tenant…"}
        </ActionButton>
      </Head>
      {save.error && toProblem(save.error).code !== "cancelled" ? (
        <div className="above">
          <ErrorPanel what="The list was not written" problem={toProblem(save.error)} onClose={() => save.reset()} />
        </div>
      ) : null}
      {rangeError ? (
        <div className="above">
          <ErrorPanel what="The rows between could not be read" problem={toProblem(rangeError)} onClose={() => setRangeError(null)} />
        </div>
      ) : null}
      <section className="panel tall tenants" aria-label="Tenants">
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
          <Choice
            what="Shard"
            value={search.shard}
            of={shards.map((s) => [s, s])}
            onChange={(shard) => change({ shard, sel: undefined })}
          />
          <Choice
            what="Status"
            value={search.state}
            of={[["moving", "in a move"], ...states.map((s): [string, string] => [s, s.replaceAll("_", " ")])]}
            onChange={(state) => change({ state, sel: undefined })}
          />
          <Choice what="Size" value={search.size} of={sizes} onChange={(size) => change({ size, sel: undefined })} />
          <Choice
            what="Demo"
            value={search.demo}
            of={[
              ["yes", "yes"],
              ["no", "no"],
            ]}
            onChange={(demo) => change({ demo, sel: undefined })}
          />
          <Menu closeOnItemClick={false} position="bottom-end" transitionProps={{ duration: 120 }}>
            <Menu.Target>
              <Button variant="default" rightSection={<Icon name="caret" size={14} />} px={10}>
                Columns
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {all.slice(1).map((c) => (
                <Menu.Item
                  key={c.key}
                  role="menuitemcheckbox"
                  aria-checked={shown.includes(c)}
                  leftSection={shown.includes(c) ? <Icon name="done" /> : <span className="gap" />}
                  onClick={() => choose(c.key)}
                >
                  {c.head}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <span className="end age">{tenants.updatedAt ? <Age at={tenants.updatedAt} /> : null}</span>
        </div>
        {ids.length > 0 ? (
          <div className="chosen" role="status">
            <b>{plural(ids.length, "tenant")} chosen</b>
            <span className="muted num">
              {weight.known > 0 ? `≈ ${bytes(weight.sum)}${weight.known < weight.of ? ` of ${weight.known}` : ""}` : "size not known"}
            </span>
            {tenants.total !== undefined && ids.length < Math.min(tenants.total, most) ? (
              <button
                type="button"
                className="linkish"
                onClick={() => {
                  setRangeError(null);
                  void idsBetween(filter, 0, Math.min(tenants.total ?? 0, most) - 1)
                    .then((between) => {
                      for (const t of between) rows.current.set(t.id, t);
                      change({
                        sel: writeSelection(
                          added(
                            [],
                            between.map((t) => t.id),
                          ),
                        ),
                      });
                    })
                    .catch(setRangeError);
                }}
              >
                {tenants.total > most ? `Choose the first ${most}` : `Choose all ${count(tenants.total)}`}
              </button>
            ) : null}
            {ids.length >= most ? <span className="muted">{most} is the most that can be chosen at once</span> : null}
            <button type="button" className="linkish end" onClick={() => change({ sel: undefined })}>
              Choose none
            </button>
          </div>
        ) : null}
        {tenants.error ? (
          <div className="pad">
            <ErrorPanel
              what={tenants.rows ? "The tenants could not be read again; what is below is older" : "The tenants could not be read"}
              problem={toProblem(tenants.error)}
              onRetry={tenants.refetch}
            />
          </div>
        ) : null}
        {list === undefined || tenants.total === undefined ? (
          tenants.error ? null : (
            <TableBones what="the tenants" columns={shown.length} rows={16} />
          )
        ) : tenants.total === 0 && !tenants.old ? (
          filtered ? (
            <Empty
              title="No tenant fits"
              action={
                <Button variant="default" onClick={clear}>
                  Clear the filters
                </Button>
              }
            >
              The text is looked for in subdomain, id and company.
            </Empty>
          ) : (
            <Empty title="No tenants yet">
              The catalogue in the control database has none. They appear here as the application creates them.
            </Empty>
          )
        ) : (
          <div className="tall-inner" data-old={tenants.old || undefined}>
            <DataTable
              label="List of tenants"
              columns={shown}
              rows={list}
              rowKey={(t) => t.id}
              fill
              keyboard
              sorted
              sort={readSort(search.sort)}
              onSort={(next) => change({ sort: writeSort(next) })}
              onOpen={(t) => void navigate({ to: "/tenants/$id", params: { id: t.id }, search: { assign: undefined, sort: undefined } })}
              onRange={seen}
            />
          </div>
        )}
      </section>
      <PlacementDialog open={checking} onClose={() => setChecking(false)} />
      {assigning ? <AssignDialog chosen={ids} onClose={() => setAssigning(false)} /> : null}
      {preview ? <Bulk tenants={ids.map((id) => rows.current.get(id) ?? id)} onClose={() => setPreview(false)} /> : null}
    </Main>
  );
}

function Choice({
  what,
  value,
  of,
  onChange,
}: {
  what: string;
  value: string | undefined;
  of: readonly (readonly [string, string])[];
  onChange: (value: string | undefined) => void;
}) {
  const known = value === undefined || of.some(([v]) => v === value);
  return (
    <NativeSelect
      aria-label={what}
      className="choose"
      data-set={value === undefined ? undefined : ""}
      value={value ?? ""}
      data={[
        { value: "", label: `${what}: any` },
        ...of.map(([v, word]) => ({ value: v, label: `${what}: ${word}` })),
        ...(known || value === undefined ? [] : [{ value, label: `${what}: ${value}` }]),
      ]}
      onChange={(e) => onChange(e.currentTarget.value || undefined)}
    />
  );
}
