import { NativeSelect } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useEnvironment } from "../../app/current";
import { problemOf } from "../../app/problem";
import { type Ended, type ServerSession, toProblem } from "../../bridge";
import { Age } from "../../ui/Age";
import { Confirm } from "../../ui/Confirm";
import { Code } from "../../ui/Copy";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { millis, plural } from "../../ui/format";
import { good } from "../../ui/Good";
import { Status } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";
import { useEndSession, useSessions } from "./queries";

/** EndAsked is what is to be ended: what a session runs, or the session; the number 0 leaves the choice open. */
export interface EndAsked {
  id: "session.cancel" | "session.end";
  pid: number;
  startedAt: string;
}

/**
 * EndSession shows the session that is meant and ends it, or what it runs. The
 * session is read once: what is confirmed is what was seen, and whatever has its
 * number later is left alone.
 */
export function EndSession({ shard, asked, at, onClose }: { shard: string; asked: EndAsked; at: number; onClose: () => void }) {
  const environment = useEnvironment();
  const q = useSessions(shard, at);
  const end = useEndSession();
  const unread = problemOf(q);
  const [chosen, setChosen] = useState("");
  const [told, setTold] = useState<Ended>();
  const cancel = asked.id === "session.cancel";
  const all = q.data?.sessions ?? [];
  const pid = asked.pid || Number(chosen);
  const found = all.find((s) => s.pid === pid);
  const gone = q.data !== undefined && pid > 0 && (!found || (asked.startedAt !== "" && found.started_at !== asked.startedAt));
  const seen = gone ? undefined : found;
  const why = seen ? against(seen, cancel) : null;
  return (
    <Confirm
      open
      title={cancel ? "Cancel what a session runs?" : "End a session?"}
      environment={environment}
      name={shard}
      nameIs="shard"
      button={cancel ? "Cancel the statement" : "End the session"}
      danger
      busy={end.isPending}
      blocked={!seen || why !== null || told !== undefined}
      problem={end.error ? toProblem(end.error) : null}
      onClose={onClose}
      onConfirm={(a) =>
        seen &&
        end.mutate(
          {
            cancel,
            shard,
            pid: seen.pid,
            started_at: seen.started_at ?? "",
            statement_at: cancel ? (seen.statement_at ?? "") : "",
            ours: false,
            note: a.note,
            confirm: a.confirm,
          },
          {
            onSuccess: (v) => {
              if (!v.ended) return setTold(v);
              good(cancel ? `The statement of session ${v.session.pid} is cancelled.` : `Session ${v.session.pid} has ended.`);
              onClose();
            },
          },
        )
      }
    >
      {q.isPending ? <Waiting what="the session" /> : null}
      {unread ? <ErrorPanel what={`${shard} did not say who is connected`} problem={unread} onRetry={() => void q.refetch()} /> : null}
      {asked.pid === 0 && q.data ? (
        <NativeSelect label="Session" value={chosen} onChange={(e) => setChosen(e.currentTarget.value)}>
          <option value="">{all.length === 0 ? "nobody else is connected" : `choose one of ${all.length}`}</option>
          {all.map((s) => (
            <option key={s.pid} value={s.pid}>
              {[s.pid, s.user, s.application, s.state].filter(Boolean).join(" · ")}
            </option>
          ))}
        </NativeSelect>
      ) : null}
      {gone ? <p>Session {pid} has ended, so there is nothing left to do. Whatever has its number now is left alone.</p> : null}
      {seen ? <Facts of={seen} /> : null}
      {seen ? (
        why ? (
          <div>{why}</div>
        ) : (
          <p className="muted">
            {cancel
              ? "The statement fails with an error and the session stays. A transaction that it is in fails with it."
              : "Its connection is closed and what it has not committed is rolled back."}
            {seen.blocks > 0 ? ` ${plural(seen.blocks, "session")} waiting for it may go on.` : ""}
          </p>
        )
      ) : null}
      {told ? (
        <div className="row" role="status">
          <Status tone="warn">{cancel ? "Told to, still running" : "Told to, still there"}</Status>
          <span className="muted">It may be in a call that cannot be interrupted. The audit trail has it.</span>
        </div>
      ) : null}
    </Confirm>
  );
}

/** against is why a session is left alone, null where nothing is. */
function against(s: ServerSession, cancel: boolean) {
  if (s.reason) return <Status tone="warn">{`What it does is not known: ${s.reason}`}</Status>;
  if (s.ours)
    return (
      <>
        <Status tone="warn">This program's own session: a move may run in it</Status> <Link to="/moves">Moves</Link> stop safely.
      </>
    );
  return cancel && s.state !== "active" ? (
    <Status tone="info">{`It is ${s.state || "idle"}: it runs nothing that could be cancelled`}</Status>
  ) : null;
}

const span = (ms: number | null | undefined) => (typeof ms === "number" ? millis(ms) : null);

function Facts({ of: s }: { of: ServerSession }) {
  const transaction = span(s.transaction_ms);
  const state = span(s.state_ms);
  return (
    <>
      <dl className="facts">
        <dt>Session</dt>
        <dd>
          <span className="mono">{s.pid}</span>, connected {s.started_at ? <Age at={s.started_at} /> : "—"}
        </dd>
        <dt>User</dt>
        <dd>{s.user || "—"}</dd>
        <dt>Application</dt>
        <dd>{[s.application, s.client].filter(Boolean).join(", from ") || "—"}</dd>
        <dt>State</dt>
        <dd>
          {s.state || "—"}
          {state ? ` for ${state}` : ""}
          {s.state === "active" && s.waits ? `, waits for ${s.waits}` : ""}
        </dd>
        {transaction ? (
          <>
            <dt>Transaction</dt>
            <dd>open for {transaction}</dd>
          </>
        ) : null}
        {s.blocks > 0 || s.blocked_by.length > 0 ? (
          <>
            <dt>Locks</dt>
            <dd>
              {[
                s.blocks > 0 ? `blocks ${plural(s.blocks, "session")}` : "",
                s.blocked_by.length > 0 ? `waits for ${s.blocked_by.join(", ")}` : "",
              ]
                .filter(Boolean)
                .join("; ")}
            </dd>
          </>
        ) : null}
      </dl>
      {s.query ? <Code text={s.query} what="the statement" /> : null}
    </>
  );
}
