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
import { Figure, Figures } from "../../ui/Figure";
import { count, millis, plural, size } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, moveStatus, Status, type Tone } from "../../ui/Status";
import { useAct, useMove, useRate } from "./queries";
import { isOver, phases, reached, verbOf } from "./verbs";

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
              <span aria-label="to">→</span>
              <span className="badge">{m.target}</span>
              <Status tone={tone}>{word}</Status>
              <span className="cut">
                by {m.created_by}: {m.note}
              </span>
            </>
          ) : null
        }
      >
        <Age at={q.dataUpdatedAt} />
      </Head>
      <Loaded data={m} problem={problemOf(q)} what="the move" rows={10} onRetry={() => void q.refetch()}>
        {(v: MoveView) => <Body m={v} />}
      </Loaded>
    </Main>
  );
}

function Body({ m }: { m: MoveView }) {
  const [asked, setAsked] = useState<string | null>(null);
  return (
    <div className="stack" style={{ gap: 16 }}>
      {m.error ? (
        <ErrorPanel
          what={m.settled ? "The move stands still; no row was lost" : "The last attempt failed; the move goes on by itself"}
          problem={m.error}
        />
      ) : null}
      <Phases m={m} />
      <div className="cols first">
        <div className="stack" style={{ gap: 16 }}>
          <Numbers m={m} />
          <Tables m={m} />
        </div>
        <div className="stack" style={{ gap: 16 }}>
          <Actions m={m} onAsk={setAsked} />
          <About m={m} />
          <Log m={m} />
        </div>
      </div>
      <Ask m={m} verb={asked} onClose={() => setAsked(null)} />
    </div>
  );
}

function Phases({ m }: { m: MoveView }) {
  const at = reached(m);
  const over = isOver(m.state);
  const bad = m.state === "failed" || Boolean(m.error && m.settled);
  return (
    <section className="panel" aria-label="Phases">
      <ol className="steps">
        {phases.map((p, i) => {
          const is = m.state === "finalized" || i < at ? "done" : i > at ? "todo" : bad ? "bad" : over ? "todo" : "now";
          const tone: Tone = is === "done" ? "ok" : is === "bad" ? "bad" : is === "now" ? (m.settled ? "warn" : "run") : "off";
          const says =
            is === "done"
              ? "done"
              : is === "bad"
                ? "stopped"
                : is === "now"
                  ? m.settled
                    ? "waits for you"
                    : m.step.replaceAll("_", " ") || "running"
                  : over
                    ? "not done"
                    : "to come";
          return (
            <li key={p} className="step" data-is={is} aria-current={is === "now" ? "step" : undefined}>
              <span className="rail">
                <i
                  style={{
                    width:
                      is === "todo"
                        ? 0
                        : is === "now" && p === "Copy" && m.rows > 0
                          ? `${Math.min(100, (m.rows_copied / m.rows) * 100)}%`
                          : "100%",
                  }}
                />
              </span>
              <div className="t">
                <Mark tone={tone} />
                {p}
              </div>
              <div className="m" title={says}>
                {says}
              </div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Numbers({ m }: { m: MoveView }) {
  const now = useNow();
  const rate = useRate(m);
  const copied = size(m.bytes_copied);
  const all = size(m.bytes);
  const closed = m.read_only_since ? Math.max(0, now - Date.parse(m.read_only_since)) : null;
  const pause = closed ?? m.write_pause_ms ?? null;
  const left = rate && rate > 0 ? ((m.rows - m.rows_copied) * 1000) / rate : null;
  return (
    <Figures label="The move in figures">
      <Figure label="Rows" value={count(m.rows_copied)} detail={`of ${count(m.rows)}`} />
      <Figure label="Copied" value={copied.value} unit={copied.unit} detail={`of ${all.value} ${all.unit}`} />
      <Figure
        label="Rate"
        value={rate === null ? null : count(rate)}
        unit="rows/s"
        reason="nothing is copied now"
        detail={left === null ? undefined : `about ${millis(left * 0.8)} to ${millis(left * 1.5)} left`}
      />
      <Figure
        label={closed !== null ? "Writes wait" : "Writes waited"}
        value={pause === null ? null : millis(pause)}
        tone={closed !== null ? "warn" : undefined}
        reason="the tenant writes"
        detail={pause === null ? undefined : `at most ${millis(m.max_read_only_ms)}`}
      />
      <Figure
        label="Compared"
        value={m.verified ? "All rows" : null}
        reason="not yet compared"
        detail={m.verified ? <Age at={m.verified_at} className="" /> : undefined}
        tone={m.verified ? "ok" : undefined}
      />
    </Figures>
  );
}

const tableColumns: Column<MoveTable>[] = [
  { key: "table", head: "Table", by: (t) => t.table, cell: (t) => <span className="mono">{t.table}</span> },
  { key: "kind", head: "Belongs by", by: (t) => t.kind, cell: (t) => <span className="muted">{t.kind.replaceAll("_", " ")}</span> },
  { key: "copied", head: "Copied", right: true, by: (t) => t.rows_copied, cell: (t) => count(t.rows_copied) },
  { key: "rows", head: "Rows", right: true, by: (t) => t.rows, cell: (t) => count(t.rows) },
  {
    key: "share",
    head: "Progress",
    width: 120,
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
    cell: (t) =>
      t.verified ? (
        <Status tone="ok">Compared</Status>
      ) : t.rows_copied > 0 ? (
        <Status tone="run">Copied</Status>
      ) : (
        <Status tone="off">To come</Status>
      ),
  },
];

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
          columns={tableColumns}
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

function Actions({ m, onAsk }: { m: MoveView; onAsk: (verb: string) => void }) {
  return (
    <Panel title="What you can do">
      <div className="acts">
        {m.actions.length === 0 ? (
          <span className="muted">{isOver(m.state) ? "The move is over." : "Nothing until this step ends."}</span>
        ) : null}
        {m.actions.map((verb, i) => {
          const v = verbOf(verb, m);
          return v ? (
            <div key={verb}>
              <Button
                variant={i === 0 && !v.danger ? "filled" : "default"}
                data-tone={v.danger ? "danger" : undefined}
                fullWidth
                onClick={() => onAsk(verb)}
              >
                {v.button}
              </Button>
              <p>{v.effect}</p>
            </div>
          ) : null;
        })}
        <p>{wayBack(m)}</p>
      </div>
    </Panel>
  );
}

function wayBack(m: MoveView): string {
  const name = m.label || m.tenant;
  if (m.state === "finalized") return `${name} lives on ${m.target}. The copy on ${m.source} is gone.`;
  if (isOver(m.state)) return `${name} lives on ${m.source}.`;
  if (m.state === "retained") return `${m.source} keeps its copy, closed for writes: moving back loses nothing until you finalize.`;
  return `Closing this window loses nothing. After the switch ${name} can move back without losing a write, until you finalize.`;
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
        <dt>Carried by</dt>
        <dd>{m.owner || "nobody now"}</dd>
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
  const [password, setPassword] = useState("");
  const v = verb ? verbOf(verb, m) : undefined;
  const close = () => {
    act.reset();
    setRouting(false);
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
      blocked={Boolean(v?.final && environment === "production" && password === "")}
      problem={problemOf(act)}
      onClose={close}
      onConfirm={({ note, confirm }) => {
        if (verb)
          act.mutate(
            { verb, action: { id: m.id, note, confirm, routing_confirmed: routing, wait: v?.final === true, password } },
            { onSuccess: close },
          );
      }}
    >
      <p>{v?.effect}</p>
      {v?.final ? (
        <>
          <Checkbox
            label={`Go on even if the profile cannot prove that the application reads this tenant from ${m.target}`}
            description="Only when you have looked yourself; your reason above the button says how."
            checked={routing}
            onChange={(e) => setRouting(e.currentTarget.checked)}
          />
          {environment === "production" ? (
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
