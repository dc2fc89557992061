import { Button, NativeSelect, Switch, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { TableBones } from "../../app/Bones";
import { useEnvironment, useStatus } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { type AlertChannel, type AlertList, type AlertSilence, type AlertView, toProblem } from "../../bridge";
import { Age } from "../../ui/Age";
import { Confirm } from "../../ui/Confirm";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { plural } from "../../ui/format";
import { good } from "../../ui/Good";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, Status, type Tone } from "../../ui/Status";
import { useAcknowledge, useAlerts, useSilence, useTestChannel, useUnsilence } from "./queries";

const route = getRouteApi("/alerts");

const severities: Record<string, Tone> = { critical: "bad", warning: "warn", info: "info" };

/** lengths are how long a silence may last, at a choice. */
const lengths: [value: string, word: string][] = [
  ["30m", "30 minutes"],
  ["2h", "2 hours"],
  ["8h", "8 hours"],
  ["24h", "a day"],
  ["168h", "a week"],
];

/** Asked is what the open dialog is about. */
type Asked =
  | { what: "ack"; alert: AlertView }
  | { what: "silence"; shard: string; rule: string }
  | { what: "unsilence"; silence: AlertSilence };

/** AlertsScreen is what is wrong, who has taken it, for what nobody is told, and who is. */
export function AlertsScreen() {
  const all = route.useSearch().all === true;
  const navigate = useNavigate();
  const q = useAlerts(all);
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <Main>
      <Head title="Alerts" sub={q.data?.kept ? <Now of={q.data} /> : null}>
        <Switch
          label="Show what is over"
          checked={all}
          onChange={(e) => void navigate({ to: "/alerts", search: { all: e.currentTarget.checked || undefined }, replace: true })}
        />
        <Button variant="default" disabled={!q.data?.kept} onClick={() => setAsked({ what: "silence", shard: "", rule: "" })}>
          Silence…
        </Button>
      </Head>
      {!q.data && !q.isError ? <TableBones what="the alerts" columns={5} rows={6} /> : null}
      <Loaded data={q.data ?? (q.isError ? undefined : null)} problem={problemOf(q)} what="the alerts" onRetry={() => void q.refetch()}>
        {(v) => (v === null ? null : <Body of={v} at={q.dataUpdatedAt} all={all} onAsk={setAsked} />)}
      </Loaded>
      <Dialog asked={asked} rules={[...new Set((q.data?.alerts ?? []).map((a) => a.rule))].sort()} onClose={() => setAsked(null)} />
    </Main>
  );
}

/** Now is how it stands: nothing is called fine that nobody looks at. */
function Now({ of: v }: { of: AlertList }) {
  if (v.firing > 0) return <Status tone="bad">{`${v.firing} firing`}</Status>;
  return v.evaluated ? <Status tone="ok">Nothing fires</Status> : <Status tone="off">Not evaluated</Status>;
}

function Body({ of: v, at, all, onAsk }: { of: AlertList; at: number; all: boolean; onAsk: (asked: Asked) => void }) {
  if (!v.kept)
    return (
      <section className="panel">
        <Empty
          title="No alerts are kept"
          action={
            <Link to="/settings" search={{ tab: "install", add: undefined }}>
              Schema
            </Link>
          }
        >
          {v.reason}
        </Empty>
      </section>
    );
  return (
    <div className="stack" style={{ gap: 16 }}>
      {v.evaluated ? null : (
        <section className="panel passed" aria-label="Who evaluates">
          <Mark tone="warn" />
          <p>
            Nobody evaluates alerts now: what is shown is as old as it says. <span className="mono">shard-admin worker</span> does while it
            runs, where the fleet file says who is told.
          </p>
        </section>
      )}
      <Panel title={all ? "Alerts, with those that are over" : "Alerts"} age={<Age at={at} />}>
        {v.alerts.length === 0 ? (
          <div className="passed">
            <Mark tone={v.evaluated ? "ok" : "off"} />
            <div>
              <p className="medium">{v.evaluated ? "Nothing is wrong" : "No alert is open"}</p>
              <p className="muted small">
                {v.evaluated
                  ? "Shards, their growth and balance, control and moves are looked at."
                  : "What went wrong since the last look is not known."}
              </p>
            </div>
          </div>
        ) : (
          <DataTable label="Alerts" keyboard columns={alertColumns(onAsk)} rows={v.alerts} rowKey={(a) => String(a.id)} />
        )}
      </Panel>
      {v.silences.length > 0 ? (
        <Panel title="Silences" note="nobody is told meanwhile">
          <DataTable label="Silences" compact columns={silenceColumns(onAsk)} rows={v.silences} rowKey={(s) => String(s.id)} />
        </Panel>
      ) : null}
      <Channels list={v.channels} />
    </div>
  );
}

/** Text of a cell that is as wide as its column, and is cut there: what can be done must not be pushed out of sight. */
const within = { display: "flex", width: 0, minWidth: "100%" } as const;

function alertColumns(onAsk: (asked: Asked) => void): Column<AlertView>[] {
  return [
    {
      key: "severity",
      head: "Severity",
      width: 100,
      by: (a) => a.severity,
      cell: (a) => <Status tone={a.state === "resolved" ? "off" : (severities[a.severity] ?? "info")}>{word(a.severity)}</Status>,
    },
    {
      key: "message",
      head: "What is wrong",
      cell: (a) => (
        <span className="row" style={within} title={a.advice ? `${a.message}\n${a.advice}` : a.message}>
          {a.shard ? (
            <Link to="/shards/$name" params={{ name: a.shard }} search={{ tab: undefined }} className="badge">
              {a.shard}
            </Link>
          ) : null}
          <span className="cut">{a.message}</span>
        </span>
      ),
    },
    {
      key: "rule",
      head: "Rule",
      width: 130,
      by: (a) => a.rule,
      cell: (a) => (
        <span style={within} title={a.rule}>
          <span className="mono small cut">{a.rule}</span>
        </span>
      ),
    },
    { key: "since", head: "Since", width: 95, by: (a) => a.since, cell: (a) => <Age at={a.resolved_at ?? a.since} /> },
    { key: "state", head: "State", width: 130, by: (a) => a.state, cell: (a) => <State of={a} /> },
    {
      key: "do",
      head: "",
      width: 200,
      cell: (a) =>
        a.state === "resolved" || a.state === "done" ? null : (
          <span className="row">
            {a.state === "firing" ? (
              <Button size="compact-sm" variant="default" onClick={() => onAsk({ what: "ack", alert: a })}>
                Acknowledge…
              </Button>
            ) : null}
            {a.silenced ? null : (
              <Button
                size="compact-sm"
                variant="default"
                aria-label={`Silence ${a.rule} of ${a.subject}`}
                onClick={() => onAsk({ what: "silence", shard: placeOf(a), rule: a.rule })}
              >
                Silence…
              </Button>
            )}
          </span>
        ),
    },
  ];
}

function State({ of: a }: { of: AlertView }) {
  if (a.state === "acknowledged")
    return (
      <span style={within} title={`${a.acknowledged_by}: ${a.acknowledged_why}`}>
        <span className="cut">taken by {a.acknowledged_by}</span>
      </span>
    );
  const words: Record<string, string> = { pending: "seen, not told yet", firing: "firing", done: "done", resolved: "over" };
  return (
    <span>
      {words[a.state] ?? a.state}
      {a.silenced ? <span className="tag">silenced</span> : null}
    </span>
  );
}

/** placeOf is what a silence of an alert is about: the shard, or the server that holds several. */
function placeOf(a: AlertView): string {
  return a.rule.startsWith("health.") ? a.subject : a.shard;
}

function silenceColumns(onAsk: (asked: Asked) => void): Column<AlertSilence>[] {
  return [
    { key: "what", head: "What", width: 260, cell: (s) => covers(s) },
    { key: "every", head: "When", width: 220, cell: (s) => <When of={s} /> },
    { key: "until", head: "Until", width: 150, cell: (s) => <Until at={s.ends} /> },
    { key: "reason", head: "Reason", cell: (s) => <span className="cut">{s.reason}</span> },
    { key: "by", head: "By", width: 200, cell: (s) => s.by },
    {
      key: "do",
      head: "",
      width: 90,
      cell: (s) => (
        <Button size="compact-sm" variant="default" onClick={() => onAsk({ what: "unsilence", silence: s })}>
          End…
        </Button>
      ),
    },
  ];
}

/** When says in which windows a silence holds, and when the next one opens. */
function When({ of: s }: { of: AlertSilence }) {
  if (!s.every) return <span className="muted">{s.active ? "all the time" : "not yet"}</span>;
  const next = s.active
    ? "now"
    : s.next_at
      ? `next ${new Date(s.next_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}`
      : "";
  return (
    <span className="cut" title={next}>
      {s.every} <span className="faint">{next}</span>
    </span>
  );
}

function Until({ at }: { at: string }) {
  return <time dateTime={at}>{new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}</time>;
}

function covers(s: { shard: string; rule: string }): string {
  if (!s.shard && !s.rule) return "everything";
  return [s.rule || "every rule", s.shard ? `of ${s.shard}` : "everywhere"].join(" ");
}

function word(severity: string): string {
  return severity.replace(/^./, (c) => c.toUpperCase());
}

function Channels({ list }: { list: AlertChannel[] }) {
  const test = useTestChannel();
  const [of, setOf] = useState("");
  return (
    <Panel title="Who is told">
      {list.length === 0 ? (
        <Empty title="Nobody is told">
          The fleet file has no [[notify]]: by mail, Slack, a webhook or on the desktop. The guide says how to write one; its secret goes to
          the keychain.
        </Empty>
      ) : (
        <>
          {test.error ? (
            <div className="pad">
              <ErrorPanel what={`${of} was not told`} problem={toProblem(test.error)} onRetry={() => test.mutate(of)} />
            </div>
          ) : null}
          <DataTable
            label="Channels"
            columns={[
              { key: "name", head: "Channel", width: 140, cell: (c) => <span className="medium">{c.name}</span> },
              { key: "kind", head: "Kind", width: 90, cell: (c) => c.kind },
              { key: "to", head: "To", cell: (c) => <span className="cut mono small">{c.to.join(", ")}</span> },
              { key: "from", head: "From", width: 150, cell: (c) => `${c.severity}${c.digest ? `, ${c.digest}` : ""}` },
              {
                key: "sent",
                head: "Last sent",
                width: 190,
                cell: (c) =>
                  c.error ? (
                    <Status tone="bad" title={c.error}>
                      {`fails, ${plural(c.waiting, "waits", "wait")}`}
                    </Status>
                  ) : c.sent_at ? (
                    <Age at={c.sent_at} />
                  ) : (
                    <span className="muted">nothing yet</span>
                  ),
              },
              {
                key: "do",
                head: "",
                width: 90,
                cell: (c) => (
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={`Test ${c.name}`}
                    loading={test.isPending && of === c.name}
                    onClick={() => {
                      setOf(c.name);
                      test.mutate(c.name, { onSuccess: () => good(`A test message went out by ${c.name}.`) });
                    }}
                  >
                    Test
                  </Button>
                ),
              },
            ]}
            rows={list}
            rowKey={(c) => c.name}
          />
        </>
      )}
    </Panel>
  );
}

function Dialog({ asked, rules, onClose }: { asked: Asked | null; rules: string[]; onClose: () => void }) {
  const environment = useEnvironment();
  const status = useStatus().data;
  const shards = status?.shards ?? [];
  const ack = useAcknowledge();
  const silence = useSilence();
  const unsilence = useUnsilence();
  const [length, setLength] = useState("2h");
  const [shard, setShard] = useState<string>();
  const [rule, setRule] = useState<string>();
  const [every, setEvery] = useState("");
  const done = (news: string) => {
    good(news);
    close();
  };
  const close = () => {
    ack.reset();
    silence.reset();
    unsilence.reset();
    setShard(undefined);
    setRule(undefined);
    setEvery("");
    onClose();
  };
  const common = { open: true, environment, name: status?.fleet ?? "", nameIs: "fleet", onClose: close };
  if (asked?.what === "ack")
    return (
      <Confirm
        {...common}
        title="Take this alert?"
        button="Acknowledge"
        busy={ack.isPending}
        problem={ack.error ? toProblem(ack.error) : null}
        onConfirm={(a) => ack.mutate({ id: asked.alert.id, note: a.note }, { onSuccess: () => done("The alert is yours.") })}
      >
        <p>{asked.alert.message}</p>
        <p className="muted">It stays until it is over, and people are told of its end alone.</p>
      </Confirm>
    );
  if (asked?.what === "silence") {
    const on = shard ?? asked.shard;
    const of = rule ?? asked.rule;
    return (
      <Confirm
        {...common}
        title="Tell nobody for a while?"
        button="Silence"
        busy={silence.isPending}
        problem={silence.error ? toProblem(silence.error) : null}
        onConfirm={(a) =>
          silence.mutate(
            { shard: on, rule: of, begins: "", ends: every ? "" : length, every, note: a.note },
            { onSuccess: () => done("Nobody is told meanwhile.") },
          )
        }
      >
        <NativeSelect label="Shard or server" value={on} onChange={(e) => setShard(e.currentTarget.value)}>
          <option value="">every shard, and the fleet</option>
          {[...new Set([...shards.map((s) => s.name), ...(asked.shard ? [asked.shard] : [])])].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </NativeSelect>
        <NativeSelect label="Rule" value={of} onChange={(e) => setRule(e.currentTarget.value)}>
          <option value="">every rule</option>
          {[...new Set([...rules, ...(of ? [of] : [])])].map((r) => (
            <option key={r}>{r}</option>
          ))}
        </NativeSelect>
        <NativeSelect label="For" value={length} disabled={every !== ""} onChange={(e) => setLength(e.currentTarget.value)}>
          {lengths.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </NativeSelect>
        <TextInput
          label="Or only in these windows, for a year"
          placeholder="sun 02:00-04:00 Europe/Berlin"
          value={every}
          onChange={(e) => setEvery(e.currentTarget.value)}
        />
        <p className="muted">Alerts are shown all the same. What still fires when the silence ends is told then.</p>
      </Confirm>
    );
  }
  if (asked?.what === "unsilence")
    return (
      <Confirm
        {...common}
        title="End this silence?"
        button="End it"
        busy={unsilence.isPending}
        problem={unsilence.error ? toProblem(unsilence.error) : null}
        onConfirm={(a) => unsilence.mutate({ id: asked.silence.id, note: a.note }, { onSuccess: () => done("People are told again.") })}
      >
        <p>It covers {covers(asked.silence)}. What fires is told at once.</p>
      </Confirm>
    );
  return null;
}
