import { Button, Checkbox, PasswordInput } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useEnvironment } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import type { MoveTable, MoveView } from "../../bridge";
import { Age, Moment } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { Confirm } from "../../ui/Confirm";
import { Mono } from "../../ui/Copy";
import { useNow } from "../../ui/clock";
import { type Column, DataTable, readSort, type Sort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Figure, Figures, Value } from "../../ui/Figure";
import { bytes, count, millis, plural, size } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { checkTone, Mark, moveStatus, Status, type Tone } from "../../ui/Status";
import { carriedBack, carries, leftOf, oldestOf, paceOf, rangeOf, rowsOf } from "./measured";
import { type Is, phasesOf } from "./phases";
import { useAct, useMove, useReentry, useSamples } from "./queries";
import { Report } from "./Report";
import { Throughput } from "./Throughput";
import { isOnline, isOver, repaired, verbOf } from "./verbs";
import "./move.css";

export function MoveScreen() {
  const { id } = useParams({ from: "/moves/$id" });
  const q = useMove(id);
  const m = q.data;
  const [tone, word] = m ? moveStatus(m) : (["off", ""] as [Tone, string]);
  return (
    <Main>
      <Head
        title={m ? m.label || m.tenant : id}
        sub={
          m ? (
            <>
              <span className="badge">{m.source}</span>
              <span className="faint">→</span>
              <span className="badge">{m.target}</span>
              <Status tone={tone}>{word}</Status>
              <span className="cut">
                by {m.created_by}: {m.note}
              </span>
            </>
          ) : null
        }
      >
        {m ? <ReportButton m={m} /> : null}
        <Age at={q.dataUpdatedAt} />
      </Head>
      <Loaded data={m} problem={problemOf(q)} what="the move" rows={10} onRetry={() => void q.refetch()}>
        {(v: MoveView) => <Body m={v} />}
      </Loaded>
    </Main>
  );
}

/** ReportButton opens the report; a move that goes on has none yet. */
function ReportButton({ m }: { m: MoveView }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        variant="default"
        disabled={!m.settled}
        title={m.settled ? undefined : "A report is made when the move is settled"}
        onClick={() => setOpen(true)}
      >
        Report…
      </Button>
      {open ? <Report m={m} open onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function Body({ m }: { m: MoveView }) {
  const [asked, setAsked] = useState<string | null>(null);
  const samples = useSamples(m);
  return (
    <div className="stack" style={{ gap: 16 }}>
      {m.error ? (
        <ErrorPanel what={m.settled ? "The move stands still" : "The last attempt failed; the move goes on by itself"} problem={m.error} />
      ) : null}
      <Phases m={m} />
      <div className="move-cols">
        <div className="stack" style={{ gap: 16 }}>
          <Numbers m={m} />
          <Throughput samples={samples} live={m.state === "copying" && !m.settled} />
          <Tables m={m} />
          <Checks m={m} />
        </div>
        <div className="stack" style={{ gap: 16 }}>
          <Actions m={m} onAsk={setAsked} />
          <WayBack m={m} />
          <Log m={m} />
          <About m={m} />
        </div>
      </div>
      <Ask m={m} verb={asked} onClose={() => setAsked(null)} />
    </div>
  );
}

const signs: Record<Is, Tone> = { done: "ok", now: "run", bad: "bad", ahead: "off" };

function Phases({ m }: { m: MoveView }) {
  return (
    <section className="panel" aria-label="Phases">
      <ol className="steps">
        {phasesOf(m).map((p) => (
          <li key={p.name} className="step" data-is={p.is} aria-current={p.is === "now" ? "step" : undefined}>
            <span className="rail">
              <i style={{ width: `${p.share * 100}%` }} />
            </span>
            <div className="t">
              <Mark tone={p.is === "now" && m.settled ? (m.state === "retained" ? "ok" : "warn") : signs[p.is]} />
              {p.name}
            </div>
            <div className="m num" title={p.says}>
              {p.says}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Numbers({ m }: { m: MoveView }) {
  const now = useNow();
  const copied = size(m.bytes_copied);
  const all = size(m.bytes);
  const closed = m.read_only_since ? Math.max(0, now - Date.parse(m.read_only_since)) : null;
  const pause = closed ?? m.write_pause_ms ?? null;
  const verified = m.tables.filter((t) => t.verified).length;
  return (
    <Figures label="The move in figures">
      <Figure
        label="Rows"
        value={count(m.rows_copied)}
        detail={m.rows_copied > m.rows ? `${count(m.rows)} planned` : `of ${count(m.rows)}`}
      />
      <Figure label="Copied" value={copied.value} unit={copied.unit} detail={`${all.value} ${all.unit} planned`} />
      <Going m={m} />
      <Figure
        label={closed !== null ? "Writes wait" : "Writes waited"}
        value={pause === null ? null : millis(pause)}
        tone={closed !== null ? "warn" : undefined}
        reason="the tenant writes"
        detail={pause === null ? undefined : `at most ${millis(m.max_read_only_ms)}`}
      />
      <Figure
        label="Compared"
        value={m.verified ? "Equal" : verified > 0 ? `${verified}` : null}
        unit={m.verified || verified === 0 ? undefined : `of ${m.tables.length}`}
        reason="not yet compared"
        detail={m.verified ? <Age at={m.verified_at} before="every row, " className="" /> : undefined}
        tone={m.verified ? "ok" : undefined}
      />
    </Figures>
  );
}

/** Going is the figure of what goes on: how fast, how far behind, or how long it took. */
function Going({ m }: { m: MoveView }) {
  const running = m.state === "copying" && !m.settled;
  const b = m.behind;
  if (running && m.phase === "Verify")
    return (
      <Figure
        label="Time left"
        value={m.time_left_ms ? rangeOf(m.time_left_ms) : null}
        reason={m.time_left_reason}
        detail={m.time_left_ms ? "until every row is compared" : undefined}
      />
    );
  if (running)
    return (
      <Figure
        label="Rate"
        value={typeof m.rows_per_s === "number" ? count(m.rows_per_s) : null}
        unit="rows/s"
        reason={m.rate_reason}
        detail={m.time_left_ms ? leftOf(m) : undefined}
      />
    );
  if (carries(m))
    return (
      <Figure
        label={m.state === "rolling_back" ? "To carry back" : "Behind"}
        value={b ? rowsOf(b) : null}
        unit="rows"
        reason={m.behind_reason}
        detail={
          b ? (
            <span title={[leftOf(m), oldestOf(b)].filter(Boolean).join("; ")}>
              {m.time_left_ms ? `${leftOf(m)}, ` : ""}
              <Age at={b.at} before="counted " className="" />
            </span>
          ) : undefined
        }
      />
    );
  return (
    <Figure
      label="Took"
      value={m.switched_at && m.started_at ? millis(Date.parse(m.switched_at) - Date.parse(m.started_at)) : null}
      reason={m.started_at ? "not yet switched" : "not yet started"}
      detail={m.switched_at ? "from start to switch" : undefined}
    />
  );
}

const kind: Column<MoveTable> = {
  key: "kind",
  head: "Belongs by",
  by: (t) => t.kind,
  cell: (t) => <span className="muted">{kindWords[t.kind] ?? t.kind}</span>,
};

const pace: Column<MoveTable> = {
  key: "pace",
  head: "Now",
  right: true,
  by: (t) => t.bytes_per_s ?? 0,
  cell: (t) => (
    <Value of={paceOf(t)} reason="its rows are not copied now, or not for long enough to say">
      {paceOf(t)}
    </Value>
  ),
};

/** columnsOf are the table's columns: how fast matters while rows are copied, why they belong once they are. */
const columnsOf = (copying: boolean): Column<MoveTable>[] => [
  { key: "table", head: "Table", by: (t) => t.table, cell: (t) => <span className="mono">{t.table}</span> },
  {
    key: "rows",
    head: "Rows",
    right: true,
    by: (t) => t.rows,
    cell: (t) => (
      <>
        {count(t.rows_copied)}{" "}
        <span className="faint">{t.rows_copied > t.rows ? `(${count(t.rows)} planned)` : `of ${count(t.rows)}`}</span>
      </>
    ),
  },
  {
    key: "bytes",
    head: "Size",
    right: true,
    by: (t) => t.bytes,
    cell: (t) => (
      <>
        {bytes(t.bytes_copied)} <span className="faint">of {bytes(t.bytes)}</span>
      </>
    ),
  },
  ...(copying ? [pace] : []),
  {
    key: "share",
    head: "Progress",
    width: 110,
    by: (t) => (t.rows > 0 ? t.rows_copied / t.rows : 0),
    cell: (t) => (
      <Bar
        share={t.verified ? 1 : t.rows > 0 ? t.rows_copied / t.rows : 0}
        tone={t.verified ? "ok" : undefined}
        label={`Progress of ${t.table}`}
      />
    ),
  },
  {
    key: "state",
    head: "State",
    width: 110,
    by: (t) => (t.verified ? 3 : t.rows_copied >= t.rows ? 2 : t.rows_copied > 0 ? 1 : 0),
    cell: (t) =>
      t.verified ? (
        <Status tone="ok">Equal</Status>
      ) : t.rows_copied >= t.rows && t.rows > 0 ? (
        <Status tone="info">Copied</Status>
      ) : t.rows_copied > 0 ? (
        <Status tone="run">Copying</Status>
      ) : (
        <Status tone="off">To come</Status>
      ),
  },
  ...(copying ? [] : [kind]),
];

const columnsCopying = columnsOf(true);
const columnsCopied = columnsOf(false);

const kindWords: Record<string, string> = {
  tenant: "tenant column",
  child: "its parent",
  declared: "declared reference",
  owned_by_reference: "who points at it",
};

function Tables({ m }: { m: MoveView }) {
  const [sort, setSort] = useState<Sort | undefined>(readSort("-rows"));
  return (
    <Panel
      title="Tables"
      note={m.tables.length > 0 ? `${m.tables.filter((t) => t.verified).length} of ${m.tables.length} compared` : undefined}
    >
      {m.tables.length === 0 ? (
        <Empty title="No tables yet">They are listed once the plan is filed.</Empty>
      ) : (
        <DataTable
          label="Tables of the move"
          columns={m.phase === "Copy" && m.state === "copying" ? columnsCopying : columnsCopied}
          rows={m.tables}
          rowKey={(t) => t.table}
          sort={sort}
          onSort={setSort}
          compact
          maxHeight={420}
        />
      )}
    </Panel>
  );
}

/** What can be done now. A run that somebody carries out needs no one to go on with it. */
function possible(m: MoveView): string[] {
  return m.actions.filter((verb) => verb !== "resume" || m.settled || m.owner === "");
}

function Actions({ m, onAsk }: { m: MoveView; onAsk: (verb: string) => void }) {
  const verbs = possible(m);
  return (
    <Panel title="What you can do">
      <div className="acts">
        {verbs.length === 0 ? (
          <span className="muted">{isOver(m.state) ? "Nothing more: the move is over." : "Nothing until this step ends."}</span>
        ) : null}
        {verbs.map((verb, i) => {
          const v = verbOf(verb, m);
          return v ? (
            <div key={verb}>
              <Button
                variant={i === 0 && !v.danger ? "filled" : "default"}
                data-tone={v.danger ? "danger" : undefined}
                onClick={() => onAsk(verb)}
              >
                {v.button}
              </Button>
              <p>{v.effect}</p>
            </div>
          ) : null;
        })}
      </div>
    </Panel>
  );
}

function WayBack({ m }: { m: MoveView }) {
  return (
    <Panel title={isOver(m.state) ? "How it ended" : "The way back"} pad>
      <p className="muted">{wayBack(m)}</p>
      {m.state === "retained" && isOnline(m) ? (
        <p className="muted" style={{ marginTop: 8 }}>
          {carriedBack(m)} {m.behind ? <Age at={m.behind.at} before="Counted " /> : null}
        </p>
      ) : null}
    </Panel>
  );
}

function Checks({ m }: { m: MoveView }) {
  const rest = m.checks.filter((c) => c.status !== "ok").length;
  if (m.checks.length === 0) return null;
  return (
    <Panel
      title="Checks before the start"
      note={rest === 0 ? `all ${m.checks.length} passed` : `${rest} of ${m.checks.length} need a look`}
    >
      <ul className="checks dense">
        {m.checks.map((c) => (
          <li key={`${c.name} ${c.message}`}>
            <Mark tone={checkTone(c.status)} />
            <span>
              <span className="medium">{c.name}</span> <span className="muted">{c.message}</span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function wayBack(m: MoveView): string {
  const name = m.label || m.tenant;
  switch (m.state) {
    case "finalized":
      return `${name} lives on ${m.target}. The copy on ${m.source} is gone.`;
    case "rolled_back":
      return `${name} lives on ${m.source} again, with everything it wrote on ${m.target}.`;
    case "cancelled":
      return `${name} lives on ${m.source}. Nothing of it is left on ${m.target}.`;
    case "retained":
      return `${m.source} keeps its copy, closed for writes. Moving back brings every write since the switch with it, until you finalize.`;
    case "finalizing":
      return "There is none any more: the copy on the source is being deleted.";
    default:
      return `${name} lives on ${m.source}${isOnline(m) ? ", and writes there," : ""} until the switch. After it, moving back loses no write until you finalize. Closing this window loses nothing: the move goes on, or stops at a safe point and can be taken up again.`;
  }
}

function About({ m }: { m: MoveView }) {
  return (
    <Panel title="About" pad>
      <dl className="facts">
        <dt>Tenant</dt>
        <dd>
          <Link to="/tenants/$id" params={{ id: m.tenant }}>
            {m.label || m.tenant}
          </Link>
        </dd>
        <dt>Move</dt>
        <dd>
          <Mono text={m.id} what="the move's id" />
        </dd>
        <dt>Mode</dt>
        <dd>{m.mode}</dd>
        <dt>Carried by</dt>
        <dd className={m.owner ? "mono" : undefined}>{m.owner || "nobody now"}</dd>
        <dt>Filed</dt>
        <dd>
          <Moment at={m.created_at} />
        </dd>
        <dt>Switched</dt>
        <dd>
          <Moment at={m.switched_at} />
        </dd>
        <dt>Finished</dt>
        <dd>
          <Moment at={m.finished_at} />
        </dd>
      </dl>
      {m.next.length > 0 ? (
        <div className="stack tight" style={{ marginTop: 12 }}>
          <span className="muted small">On the command line</span>
          {m.next.map((line) => (
            <Mono key={line} text={line} what="the command" />
          ))}
        </div>
      ) : null}
    </Panel>
  );
}

function Log({ m }: { m: MoveView }) {
  return (
    <Panel title="Log" note={plural(m.log.length, "line")}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <ol className="log mono" tabIndex={0} aria-label="Log of the move, newest first">
        {[...m.log].reverse().map((l) => (
          <li key={`${l.at} ${l.message}`}>
            <Moment at={l.at} clock />
            <span className={l.level === "error" ? "tone-bad" : l.level.startsWith("warn") ? "tone-warn" : undefined}>{l.message}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Ask({ m, verb, onClose }: { m: MoveView; verb: string | null; onClose: () => void }) {
  const environment = useEnvironment();
  const act = useAct(m.id);
  const [routing, setRouting] = useState(false);
  const [repair, setRepair] = useState(false);
  const [password, setPassword] = useState("");
  const v = verb ? verbOf(verb, m) : undefined;
  const asked = Boolean(v?.final && environment === "production");
  const reentry = useReentry(asked);
  const close = () => {
    act.reset();
    setRouting(false);
    setRepair(false);
    setPassword("");
    onClose();
  };
  return (
    <Confirm
      open={v !== undefined}
      title={v?.title ?? ""}
      environment={environment}
      name={m.label || m.tenant}
      nameIs="tenant"
      button={v?.confirm ?? ""}
      danger={v?.danger}
      busy={act.isPending}
      blocked={asked && reentry.data !== "login" && password === ""}
      problem={problemOf(act)}
      onClose={close}
      onConfirm={({ note, confirm }) => {
        if (verb)
          act.mutate(
            { verb, action: { id: m.id, note, confirm, routing_confirmed: routing, repair, wait: v?.final === true, password } },
            { onSuccess: close },
          );
      }}
    >
      <p>{repair ? repaired(m) : v?.effect}</p>
      {verb === "resume" && m.repairable ? (
        <Checkbox
          label="Bring only the rows that differed anew"
          description={`The log names them. Find out first what changes rows on ${m.target}: while it does, they differ again.`}
          checked={repair}
          onChange={(e) => setRepair(e.currentTarget.checked)}
        />
      ) : null}
      {v?.final ? (
        <>
          <Checkbox
            label={`Go on even if the profile cannot prove that the application reads this tenant from ${m.target}`}
            description="Only when you have looked yourself; your reason above the button says how."
            checked={routing}
            onChange={(e) => setRouting(e.currentTarget.checked)}
          />
          {asked && reentry.data === "login" ? (
            <p className="muted">The control database is logged in to without a password. A fresh login has to succeed.</p>
          ) : null}
          {asked && reentry.data !== "login" ? (
            <PasswordInput
              label="The database password, once more"
              description="It is compared and not kept."
              autoComplete="off"
              value={password}
              onChange={(e) => setPassword(e.currentTarget.value)}
            />
          ) : null}
        </>
      ) : null}
    </Confirm>
  );
}
