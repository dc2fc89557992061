import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useEnvironment } from "../../app/current";
import { Main } from "../../app/Main";
import { limitOf, MoveTerms, requestOf, type Terms, usualTerms } from "../../app/MoveTerms";
import { problemOf } from "../../app/problem";
import { type Decision, type Plan, type TableRows, type TenantRow, toProblem } from "../../bridge";
import { Age } from "../../ui/Age";
import { Confirm } from "../../ui/Confirm";
import { type Column, DataTable, readSort, type Sort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Figure, Figures } from "../../ui/Figure";
import { bytes, count, millis, plural, size } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { checkTone, Mark, Status } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";
import { isOnline } from "../moves/verbs";
import { chosen, decided, keyOf, open, ordered } from "./decisions";
import { useFound, usePlan, useStart, useTenant } from "./queries";
import "./wizard.css";

const route = getRouteApi("/moves/new");

export function MoveWizard() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const environment = useEnvironment();
  const tenant = useTenant(search.tenant);
  const plan = usePlan();
  const start = useStart();
  const [how, setHow] = useState(usualTerms);
  const [choices, setChoices] = useState<Record<string, string>>({});
  const [asking, setAsking] = useState(false);
  const p = plan.data;
  const terms = { ...how, target: search.target ?? "" };

  const request = () => requestOf(search.tenant ?? "", terms, decided(p?.decisions ?? [], choices));
  const choose = (next: { tenant?: string; target?: string }) => {
    plan.reset();
    setChoices({});
    void navigate({ to: "/moves/new", search: next, replace: true });
  };
  // A plan belongs to the settings it was made with.
  const change = (next: Terms) => {
    if (next.target !== terms.target) return choose({ tenant: search.tenant, target: next.target || undefined });
    plan.reset();
    setHow(next);
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
                  <Button className="end" variant="default" onClick={() => choose({})}>
                    Choose another
                  </Button>
                </div>
              )}
            </Loaded>
          </Panel>
        ) : (
          <Choose onChoose={(id) => choose({ tenant: id })} />
        )}
        {search.tenant ? (
          <Panel title="2 · Where to, and how" pad>
            <MoveTerms value={terms} from={tenant.data?.shard} onChange={change}>
              <Button
                className="end"
                disabled={!search.target || limitOf(terms) === null}
                loading={plan.isPending}
                variant={p ? "default" : "filled"}
                onClick={() => plan.mutate(request())}
              >
                {p ? "Plan again" : "Make the plan"}
              </Button>
            </MoveTerms>
          </Panel>
        ) : null}
        {plan.error ? (
          <ErrorPanel
            what="The plan could not be made"
            problem={toProblem(plan.error)}
            onRetry={() => plan.mutate(request())}
            onClose={() => plan.reset()}
          />
        ) : null}
        {plan.isPending ? <Waiting what="both shards; rows are counted exactly" rows={6} /> : null}
        {p ? (
          <PlanView
            plan={p}
            terms={terms}
            choices={choices}
            onChoices={setChoices}
            busy={plan.isPending}
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
          <dl className="facts">
            <dt>Rows</dt>
            <dd className="num">
              {count(p.rows)}, {bytes(p.bytes)}, in {plural(p.tables.filter((t) => t.rows > 0).length, "table")}
            </dd>
            <dt>Way</dt>
            <dd>
              <span className="badge">{p.source}</span> → <span className="badge">{p.target}</span>, {p.mode}
            </dd>
          </dl>
          <p>{howItGoes(p, terms.hold)}</p>
          <p>Until you finalize, {p.source} keeps its copy and the tenant can move back with everything it wrote.</p>
        </Confirm>
      ) : null}
    </Main>
  );
}

/** startOf says what a move does, in short. */
function startOf(p: Plan, hold: boolean): string {
  const rows = `${plural(p.rows, "row")} to ${p.target}`;
  if (isOnline(p))
    return `Copies ${rows}, compares each and follows what the tenant writes, then ${hold ? "waits for you to switch" : "switches"}.`;
  return `${hold ? "Waits for you to switch, then stops" : "Stops"} writes, copies ${rows}, compares each and switches. Reads go on all the time.`;
}

/** howItGoes says it in full, and when writes wait. */
function howItGoes(p: Plan, hold: boolean): string {
  const about = p.pause_ms === null || p.pause_ms === undefined ? "" : ` about ${millis(p.pause_ms)},`;
  const wait = `${about} at most ${millis(p.max_read_only_ms)}; reads go on.`;
  const copied = `${plural(p.rows, "row")} are copied from ${p.source} to ${p.target} and compared one by one`;
  if (isOnline(p))
    return `${copied} while ${p.label} writes; what it writes meanwhile is carried over.${hold ? " Then the move waits until you switch." : ""} At the switch its writes wait${wait}`;
  return `${hold ? "The move waits until you switch. Then " : ""}${copied}. Meanwhile writes of ${p.label} wait${wait}`;
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
          onKeyDown={(e) => {
            // Enter takes the first that fits, once what is shown is what was typed.
            const first = found.data?.tenants[0];
            if (e.key === "Enter" && first && asked === text.trim() && !found.isFetching) onChoose(first.id);
          }}
        />
      </div>
      <Loaded data={found.data} problem={problemOf(found)} what="the tenants" rows={6} onRetry={() => void found.refetch()}>
        {(list) =>
          list.tenants.length === 0 ? (
            asked === "" ? (
              <Empty title="No tenants yet">
                The catalogue in the control database has none. They appear here as the application creates them.
              </Empty>
            ) : (
              <Empty title="No tenant fits">Search by subdomain, id or company.</Empty>
            )
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

const tableColumns: Column<TableRows>[] = [
  { key: "table", head: "Table", by: (t) => t.table, cell: (t) => <span className="mono">{t.table}</span> },
  { key: "kind", head: "Belongs by", by: (t) => t.kind, cell: (t) => <span className="muted">{t.kind.replaceAll("_", " ")}</span> },
  { key: "rows", head: "Rows", right: true, by: (t) => t.rows, cell: (t) => count(t.rows) },
  { key: "bytes", head: "Size", right: true, by: (t) => t.bytes, cell: (t) => bytes(t.bytes) },
];

function PlanView({
  plan: p,
  terms,
  choices,
  busy,
  onChoices,
  onReplan,
  onStart,
}: {
  plan: Plan;
  terms: Terms;
  choices: Record<string, string>;
  busy: boolean;
  onChoices: (choices: Record<string, string>) => void;
  onReplan: () => void;
  onStart: () => void;
}) {
  const [sort, setSort] = useState<Sort | undefined>(readSort("-rows"));
  const begin = useRef<HTMLButtonElement>(null);
  const all = size(p.bytes);
  const used = p.tables.filter((t) => t.rows > 0);
  const passed = p.checks.filter((c) => c.status === "ok").length;
  // A plan that was just made is what somebody waited for: its button is next.
  useEffect(() => {
    if (p.made_at && !p.blocked) begin.current?.focus();
  }, [p.made_at, p.blocked]);
  return (
    <>
      <Figures label="The plan in figures">
        <Figure label="Rows" value={count(p.rows)} detail={`in ${plural(used.length, "table")}`} />
        <Figure label="Size" value={all.value} unit={all.unit} detail="counted exactly" />
        <Figure
          label="Takes about"
          value={p.estimate_ms === null || p.estimate_ms === undefined ? null : millis(p.estimate_ms)}
          reason={p.estimate_ms_reason}
          detail={
            p.estimate_ms === null || p.estimate_ms === undefined ? undefined : isOnline(p) ? "while the tenant writes" : "to the switch"
          }
        />
        <Figure
          label="Writes wait about"
          value={p.pause_ms === null || p.pause_ms === undefined ? null : millis(p.pause_ms)}
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
      <div className="plan-cols">
        <div className="stack" style={{ gap: 16 }}>
          {p.decisions.length > 0 ? <Decisions plan={p} choices={choices} busy={busy} onChoices={onChoices} onReplan={onReplan} /> : null}
          <Panel title="Checks" note={passed === p.checks.length ? "all passed" : `${p.checks.length - passed} need a look`}>
            <ul className="checks">
              {ordered(p.checks).map((c) => (
                <li key={`${c.name} ${c.message}`}>
                  <Mark tone={checkTone(c.status)} />
                  <div className="grow">
                    <span className="medium">{c.name.replaceAll("_", " ")}</span>{" "}
                    <span className={c.status === "ok" ? "muted" : undefined}>{c.message}</span>
                    {c.fix ? (
                      <div className="e">
                        <span className="medium">What to do:</span> {c.fix}
                      </div>
                    ) : null}
                    {c.evidence ? <div className="e mono pre">{c.evidence}</div> : null}
                  </div>
                </li>
              ))}
            </ul>
          </Panel>
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
        </div>
        <div className="stack" style={{ gap: 16 }}>
          <Panel title="Start">
            <div className="acts">
              <div>
                <Button ref={begin} disabled={p.blocked} onClick={onStart}>
                  Start the move…
                </Button>
                <p className={p.blocked ? "tone-bad" : undefined}>
                  {p.blocked
                    ? open(p.decisions, choices) > 0
                      ? `${plural(open(p.decisions, choices), "decision")} to make first.`
                      : "A check stands in the way; it says what to do."
                    : startOf(p, terms.hold)}
                </p>
              </div>
            </div>
          </Panel>
          <Panel title="The way back" pad>
            <p className="muted">
              Before the switch, cancelling removes what was copied. After it, {p.source} keeps its copy and {p.label} can move back with
              everything it wrote, until somebody finalizes.
            </p>
          </Panel>
          {p.replacing.length > 0 ? (
            <Panel title="New values" note={plural(p.replacing.length, "column")}>
              <ul className="list">
                {p.replacing.map((r) => (
                  <li key={`${r.table}.${r.column}`}>
                    <div className="stack tight grow">
                      <span className="row">
                        <span className="mono grow cut">
                          {r.table}.{r.column}
                        </span>
                        <span className="num small muted">
                          {plural(r.rows, "row")}, {r.rule === "rename" ? "renamed" : "next id"}
                        </span>
                      </span>
                      <span className="small muted">
                        {r.references.length > 0 ? `followed by ${r.references.join(", ")}` : "nothing refers to it"}
                      </span>
                    </div>
                  </li>
                ))}
              </ul>
            </Panel>
          ) : null}
          <Panel title={`Mode: ${p.mode}`} pad>
            <div className="stack tight">
              {isOnline(p) || terms.mode === "fenced" ? null : <Status tone="warn">Online is not possible</Status>}
              <p className="muted">{p.mode_reason || "as asked for"}</p>
              {p.notices.map((n) => (
                <p key={n} className="muted">
                  {n}
                </p>
              ))}
            </div>
          </Panel>
        </div>
      </div>
    </>
  );
}

function Decisions({
  plan: p,
  choices,
  busy,
  onChoices,
  onReplan,
}: {
  plan: Plan;
  choices: Record<string, string>;
  busy: boolean;
  onChoices: (choices: Record<string, string>) => void;
  onReplan: () => void;
}) {
  const left = open(p.decisions, choices);
  // To refuse comes last, as in each decision.
  const all = new Set(p.decisions.flatMap((d) => d.choices));
  const common = [...all].sort((a, b) => Number(a === "refuse") - Number(b === "refuse"));
  const columns: Column<Decision>[] = [
    { key: "table", head: "Table", cell: (d) => <span className="mono">{d.table}</span> },
    { key: "key", head: "Row", cell: (d) => <span className="mono">{d.key}</span> },
    {
      key: "detail",
      head: "What is known",
      cell: (d) => (
        <span title={`${d.case.replaceAll("_", " ")}: ${d.detail}`}>
          {d.case.replaceAll("_", " ")} <span className="muted">· {d.detail}</span>
        </span>
      ),
    },
    {
      key: "choice",
      head: "Choice",
      width: 150,
      cell: (d) => (
        <NativeSelect
          aria-label={`Choice for ${d.table} ${d.key}`}
          value={chosen(d, choices)}
          data={[{ value: "", label: "Undecided" }, ...d.choices]}
          onChange={(e) => onChoices({ ...choices, [keyOf(d)]: e.currentTarget.value })}
        />
      ),
    },
  ];
  return (
    <Panel title="Decisions" note={left > 0 ? `${left} of ${p.decisions.length} open` : "all made"}>
      <div className="filters">
        <span className="muted">All of them:</span>
        {common.map((c) => (
          <Button
            key={c}
            variant="default"
            onClick={() =>
              onChoices(Object.fromEntries(p.decisions.map((d) => [keyOf(d), d.choices.includes(c) ? c : chosen(d, choices)])))
            }
          >
            {c[0]?.toUpperCase()}
            {c.slice(1)}
          </Button>
        ))}
        <span className="small muted grow">
          To share leaves the row on both shards. To renumber gives it a new id on the target, to rename another unique value; references
          follow. To refuse stops the move before anything is written.
        </span>
        <Button variant={p.blocked && left === 0 ? "filled" : "default"} loading={busy} disabled={left > 0} onClick={onReplan}>
          Plan with these
        </Button>
      </div>
      <DataTable label="Decisions that the move needs" columns={columns} rows={p.decisions} rowKey={keyOf} maxHeight={260} />
    </Panel>
  );
}
