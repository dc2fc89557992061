import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useEnvironment, useStatus } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { type Check, type Decision, type MoveRequest, type Plan, type TableRows, type TenantRow, toProblem } from "../../bridge";
import { Age } from "../../ui/Age";
import { Confirm } from "../../ui/Confirm";
import { type Column, DataTable, readSort, type Sort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Figure, Figures } from "../../ui/Figure";
import { bytes, count, millis, plural, size } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, Status, type Tone } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";
import { useFound, usePlan, useStart, useTenant } from "./queries";

const route = getRouteApi("/moves/new");

const keyOf = (d: Decision) => `${d.case}\n${d.table}\n${d.key}`;

export function MoveWizard() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const environment = useEnvironment();
  const tenant = useTenant(search.tenant);
  const plan = usePlan();
  const start = useStart();
  const [minutes, setMinutes] = useState("5");
  const [hold, setHold] = useState(false);
  const [alone, setAlone] = useState(false);
  const [choices, setChoices] = useState<Record<string, string>>({});
  const [asking, setAsking] = useState(false);
  const p = plan.data;
  const limit = Number(minutes) * 60_000;
  const limitGood = Number.isFinite(limit) && limit > 0;

  const request = (): MoveRequest => ({
    tenant: search.tenant ?? "",
    target: search.target ?? "",
    mode: "fenced",
    max_read_only_ms: Math.round(limit),
    hold,
    priority: 0,
    at: "",
    note: "",
    confirm: "",
    accept_alone: alone,
    decisions: (p?.decisions ?? []).filter((d) => choices[keyOf(d)]).map((d) => ({ ...d, choice: choices[keyOf(d)] ?? "" })),
  });
  const choose = (next: { tenant?: string; target?: string }) => {
    plan.reset();
    setChoices({});
    void navigate({ to: "/moves/new", search: next, replace: true });
  };
  // A plan belongs to the settings it was made with.
  const change = (set: () => void) => {
    plan.reset();
    set();
  };

  return (
    <Main>
      <Head title="Move a tenant" sub="A plan first: nothing is written until you start it." />
      <div className="stack" style={{ gap: 16 }}>
        {search.tenant ? (
          <Panel title="1 · Which tenant">
            <Loaded data={tenant.data} problem={problemOf(tenant)} what="the tenant" rows={1} onRetry={() => void tenant.refetch()}>
              {(t) => (
                <div className="pad row">
                  <span className="strong">{t.label || t.id}</span>
                  <span className="muted cut">{t.title}</span>
                  <span className="badge">{t.shard}</span>
                  <span className="muted" title={t.tables_reason}>
                    {t.tables_reason ? "rows not counted" : `${plural(t.rows, "row")}, ${bytes(t.bytes)}`}
                  </span>
                </div>
              )}
            </Loaded>
            <div style={{ padding: "0 16px 12px" }}>
              <Button variant="default" onClick={() => choose({})}>
                Choose another
              </Button>
            </div>
          </Panel>
        ) : (
          <Choose onChoose={(id) => choose({ tenant: id })} />
        )}
        {search.tenant ? (
          <Panel title="2 · Where to, and how" pad>
            <div className="row wrap" style={{ gap: 16, alignItems: "flex-end" }}>
              <Target
                from={tenant.data?.shard}
                value={search.target ?? ""}
                onChange={(target) => choose({ tenant: search.tenant, target })}
              />
              <TextInput
                label="Writes wait for at most (minutes)"
                inputMode="decimal"
                w={210}
                value={minutes}
                error={limitGood ? undefined : "a number of minutes above 0"}
                onChange={(e) => {
                  const v = e.currentTarget.value;
                  change(() => setMinutes(v));
                }}
              />
              <Button
                disabled={!search.target || !limitGood}
                loading={plan.isPending}
                variant={p ? "default" : "filled"}
                onClick={() => plan.mutate(request())}
              >
                {p ? "Plan again" : "Make the plan"}
              </Button>
            </div>
            <div className="row wrap" style={{ gap: 20, marginTop: 12 }}>
              <Checkbox
                label="Stop before writes wait, and ask me"
                checked={hold}
                onChange={(e) => {
                  const v = e.currentTarget.checked;
                  change(() => setHold(v));
                }}
              />
              <Checkbox
                label="Go on without a second worker that could take over"
                checked={alone}
                onChange={(e) => {
                  const v = e.currentTarget.checked;
                  change(() => setAlone(v));
                }}
              />
            </div>
          </Panel>
        ) : null}
        {plan.error ? (
          <ErrorPanel
            what="The plan could not be made; nothing was written"
            problem={toProblem(plan.error)}
            onRetry={() => plan.mutate(request())}
            onClose={() => plan.reset()}
          />
        ) : null}
        {plan.isPending ? <Waiting what="both shards; rows are counted exactly" rows={6} /> : null}
        {p ? (
          <PlanView
            plan={p}
            choices={choices}
            onChoice={(d, choice) => setChoices({ ...choices, [keyOf(d)]: choice })}
            onReplan={() => plan.mutate(request())}
            onStart={() => setAsking(true)}
          />
        ) : null}
      </div>
      {p ? (
        <Confirm
          open={asking}
          title={`Move ${p.label} to ${p.target}`}
          environment={environment}
          name={p.label}
          nameIs="tenant"
          button="Start the move"
          busy={start.isPending}
          problem={problemOf(start)}
          onClose={() => {
            start.reset();
            setAsking(false);
          }}
          onConfirm={({ note, confirm }) =>
            start.mutate({ ...request(), note, confirm }, { onSuccess: (m) => void navigate({ to: "/moves/$id", params: { id: m.id } }) })
          }
        >
          <p>
            {plural(p.rows, "row")} are copied from {p.source} to {p.target} and compared one by one. Writes of {p.label} wait{" "}
            {p.estimate_ms === null || p.estimate_ms === undefined ? "meanwhile" : `about ${millis(p.estimate_ms)}`}, at most{" "}
            {millis(p.max_read_only_ms)}; reads go on. Until you finalize, {p.source} keeps its copy and the tenant can move back with
            everything it wrote.
          </p>
        </Confirm>
      ) : null}
    </Main>
  );
}

const foundColumns: Column<TenantRow>[] = [
  { key: "label", head: "Subdomain", cell: (t) => <span className="strong">{t.label || t.id}</span> },
  { key: "title", head: "Company", cell: (t) => <span className="muted">{t.title || "—"}</span> },
  { key: "shard", head: "Shard", cell: (t) => <span className="badge">{t.shard}</span> },
];

function Choose({ onChoose }: { onChoose: (id: string) => void }) {
  const [text, setText] = useState("");
  const [asked] = useDebouncedValue(text.trim(), 200);
  const found = useFound(asked, true);
  const columns: Column<TenantRow>[] = [
    ...foundColumns,
    {
      key: "choose",
      head: "Choose",
      right: true,
      cell: (t) => (
        <button type="button" className="linkish" aria-label={`Choose ${t.label || t.id}`} onClick={() => onChoose(t.id)}>
          Choose
        </button>
      ),
    },
  ];
  return (
    <Panel title="1 · Which tenant">
      <div className="filters">
        <TextInput
          data-filter
          aria-label="Find a tenant by subdomain, id or company"
          placeholder="Subdomain, id or company"
          rightSection={<kbd>/</kbd>}
          w={300}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
      </div>
      <Loaded data={found.data} problem={problemOf(found)} what="the tenants" rows={6} onRetry={() => void found.refetch()}>
        {(list) =>
          list.tenants.length === 0 ? (
            <Empty title="No tenant fits">Search by subdomain, id or company.</Empty>
          ) : (
            <DataTable
              label="Tenants to choose from"
              columns={columns}
              rows={list.tenants}
              rowKey={(t) => t.id}
              keyboard
              onOpen={(t) => onChoose(t.id)}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Target({ from, value, onChange }: { from: string | undefined; value: string; onChange: (target: string | undefined) => void }) {
  const status = useStatus();
  const shards = (status.data?.shards ?? []).filter((s) => s.name !== from);
  return (
    <NativeSelect
      label="Target shard"
      w={240}
      value={value}
      error={status.error ? toProblem(status.error).message : undefined}
      data={[
        { value: "", label: "Choose a shard" },
        ...shards.map((s) => ({
          value: s.name,
          label: `${s.name}${s.configured ? (s.reachable ? "" : " (no answer)") : " (not configured)"}`,
          disabled: !s.configured,
        })),
      ]}
      onChange={(e) => onChange(e.currentTarget.value || undefined)}
    />
  );
}

const tones: Record<string, Tone> = { ok: "ok", passed: "ok", warning: "warn", warn: "warn", blocked: "bad", failed: "bad", error: "bad" };

const tableColumns: Column<TableRows>[] = [
  { key: "table", head: "Table", by: (t) => t.table, cell: (t) => <span className="mono">{t.table}</span> },
  { key: "kind", head: "Belongs by", by: (t) => t.kind, cell: (t) => <span className="muted">{t.kind.replaceAll("_", " ")}</span> },
  { key: "rows", head: "Rows", right: true, by: (t) => t.rows, cell: (t) => count(t.rows) },
  { key: "bytes", head: "Size", right: true, by: (t) => t.bytes, cell: (t) => bytes(t.bytes) },
];

function PlanView({
  plan: p,
  choices,
  onChoice,
  onReplan,
  onStart,
}: {
  plan: Plan;
  choices: Record<string, string>;
  onChoice: (d: Decision, choice: string) => void;
  onReplan: () => void;
  onStart: () => void;
}) {
  const [sort, setSort] = useState<Sort | undefined>(readSort("-rows"));
  const all = size(p.bytes);
  const used = p.tables.filter((t) => t.rows > 0);
  const passed = p.checks.filter((c) => tones[c.status] === "ok").length;
  return (
    <>
      <Figures label="The plan in figures">
        <Figure label="Rows" value={count(p.rows)} detail={`in ${plural(used.length, "table")}`} />
        <Figure label="Size" value={all.value} unit={all.unit} />
        <Figure
          label="Writes wait about"
          value={p.estimate_ms === null || p.estimate_ms === undefined ? null : millis(p.estimate_ms)}
          reason={p.estimate_ms_reason}
          detail={`at most ${millis(p.max_read_only_ms)}`}
        />
        <Figure
          label="Checks passed"
          value={String(passed)}
          unit={`of ${p.checks.length}`}
          tone={p.blocked ? "bad" : undefined}
          detail={<Age at={p.made_at} before="planned " className="" />}
        />
      </Figures>
      <Panel title="3 · Checks" note={`${p.mode}: ${p.mode_reason}`}>
        <ul className="checks">
          {p.checks.map((c: Check) => (
            <li key={`${c.name} ${c.message}`}>
              <div className="stack tight">
                <span className="row top">
                  <Status tone={tones[c.status] ?? "info"}>{c.name.replaceAll("_", " ")}</Status>
                  <span>{c.message}</span>
                </span>
                {c.fix ? <span className="e">What to do: {c.fix}</span> : null}
                {c.evidence ? <span className="e mono pre">{c.evidence}</span> : null}
              </div>
            </li>
          ))}
          {p.notices.map((n) => (
            <li key={n}>
              <Mark tone="info" />
              <span>{n}</span>
            </li>
          ))}
        </ul>
        <div className="row" style={{ padding: "4px 16px 14px" }}>
          <Button disabled={p.blocked} onClick={onStart}>
            Start the move…
          </Button>
          {p.blocked ? <span className="tone-bad">A check or a decision stands in the way.</span> : null}
        </div>
      </Panel>
      {p.decisions.length > 0 ? (
        <Panel title="Decisions" note={`${p.decisions.filter((d) => !(choices[keyOf(d)] || d.choice)).length} open`}>
          <DataTable
            label="Decisions that the move needs"
            maxHeight={360}
            columns={[
              { key: "table", head: "Table", cell: (d) => <span className="mono">{d.table}</span> },
              { key: "key", head: "Row", cell: (d) => <span className="mono">{d.key}</span> },
              { key: "case", head: "Case", cell: (d) => d.case.replaceAll("_", " ") },
              { key: "detail", head: "What is known", cell: (d) => <span title={d.detail}>{d.detail}</span> },
              {
                key: "choice",
                head: "Choice",
                cell: (d) => (
                  <select
                    aria-label={`Choice for ${d.table} ${d.key}`}
                    value={choices[keyOf(d)] ?? d.choice}
                    onChange={(e) => onChoice(d, e.currentTarget.value)}
                  >
                    <option value="">Undecided</option>
                    {d.choices.map((c) => (
                      <option key={c}>{c}</option>
                    ))}
                  </select>
                ),
              },
            ]}
            rows={p.decisions}
            rowKey={keyOf}
          />
          <div className="row" style={{ padding: "12px 16px" }}>
            <Button variant="default" onClick={onReplan}>
              Plan with these
            </Button>
          </div>
        </Panel>
      ) : null}
      <Panel title="What moves" note={`${used.length} of ${plural(p.tables.length, "table")} have rows`}>
        {used.length === 0 ? (
          <Empty title="No rows">The tenant has none: only its pointer changes.</Empty>
        ) : (
          <DataTable
            label="Tables that move"
            columns={tableColumns}
            rows={used}
            rowKey={(t) => t.table}
            sort={sort}
            onSort={setSort}
            compact
            maxHeight={420}
          />
        )}
      </Panel>
    </>
  );
}
