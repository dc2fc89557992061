import { Button, Modal, NativeSelect, Switch, TextInput } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useStatus } from "../../app/current";
import { eventOutcome, eventTenant, eventTitle } from "../../app/events";
import { often } from "../../app/live";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { type AuditFilter, api, type Event, keys } from "../../bridge";
import { Age, Moment } from "../../ui/Age";
import { Code, Mono } from "../../ui/Copy";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { count, plural } from "../../ui/format";
import { good } from "../../ui/Good";
import { Loaded } from "../../ui/Loaded";
import { Head } from "../../ui/Panel";
import { Mark, Status } from "../../ui/Status";
import { addressOf, everything, periods } from "./address";
import { Alarms, FromCopy } from "./Copied";
import { Counts } from "./Counts";
import { ReportBuilder } from "./ReportBuilder";
import { Saved } from "./Saved";
import { useTail } from "./tail";
import { actions, changesOf, said } from "./words";
import "./audit.css";

const route = getRouteApi("/audit");

const columns: Column<Event>[] = [
  { key: "seq", head: "No.", width: 70, cell: (e) => <span className="num faint">{e.seq}</span> },
  { key: "at", head: "When", cell: (e) => <Age at={e.at} /> },
  { key: "action", head: "Action", cell: (e) => eventTitle(e) },
  {
    key: "outcome",
    head: "Outcome",
    cell: (e) => {
      const [tone, word] = eventOutcome(e);
      return <Status tone={tone}>{word}</Status>;
    },
  },
  { key: "tenant", head: "Tenant", cell: (e) => eventTenant(e) || <span className="faint">—</span> },
  { key: "way", head: "From → to", cell: (e) => (e.source || e.target ? `${e.source} → ${e.target}` : <span className="faint">—</span>) },
  {
    key: "who",
    head: "Who",
    cell: (e) => (
      <span title={`database role ${e.db_user}, through ${e.via}`}>
        {e.actor} <span className="faint">{e.actor_role}</span>
      </span>
    ),
  },
  { key: "note", head: "Reason", cell: (e) => <span title={e.note}>{e.note}</span> },
];

export function AuditScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const status = useStatus();
  const [limit, setLimit] = useState(200);
  const [exporting, setExporting] = useState(false);
  const [live, setLive] = useState(false);
  const [counting, setCounting] = useState(false);
  const filter: AuditFilter = {
    ...everything,
    tenant: search.tenant ?? "",
    actor: search.actor ?? "",
    shard: search.shard ?? "",
    action: search.action ?? "",
    status: search.outcome ?? "",
    since: search.since ?? "",
    until: search.until ?? "",
    search: search.q ?? "",
    limit,
  };
  const q = useQuery({
    queryKey: keys.audit(filter),
    queryFn: () => api.audit(filter),
    refetchInterval: live ? false : often(2),
    placeholderData: keepPreviousData,
  });
  const tail = useTail(filter, live);
  const shown = tail.list ?? q.data;
  // What was verified is told anew when the trail answers again, and when it no longer does.
  const copied = typeof shown?.copy_to === "number" ? shown : undefined;
  const chain = useQuery({
    queryKey: [...keys.verification, copied !== undefined],
    queryFn: () => api.verifyAudit(),
    enabled: q.data !== undefined || q.isError,
  });
  const set = (next: Partial<typeof search>) => void navigate({ to: "/audit", search: (s) => ({ ...s, ...next }), replace: true });
  const chainProblem = problemOf(chain);
  const copy = useMutation({
    mutationFn: () => api.syncAudit(),
    onSuccess: (r) =>
      good(
        r.pulled === 0 ? `This computer's copy is up to date at ${count(r.seq)}` : `${plural(r.pulled, "event")} copied to this computer`,
      ),
  });
  const copyProblem = problemOf(copy);
  const { event: _open, ...asked } = search;
  const narrowed = Object.values(asked).some(Boolean);
  const listed = shown?.events.find((e) => e.id === search.event);
  // A link may lead to an event that is older than those listed, or that the filter leaves out.
  const alone: AuditFilter = { ...everything, id: search.event ?? "", limit: 1 };
  const linked = useQuery({
    queryKey: keys.audit(alone),
    queryFn: () => api.audit(alone),
    enabled: Boolean(search.event) && q.data !== undefined && !listed,
  });
  const one = listed ?? (search.event ? linked.data?.events[0] : undefined);
  const linkedProblem = search.event && !one ? problemOf(linked) : null;
  return (
    <Main fill>
      <Head
        title="Audit"
        sub={
          chain.data ? (
            <>
              <Status tone={chain.data.ok ? "ok" : "bad"}>
                {chain.data.ok
                  ? `${typeof chain.data.copy_to === "number" ? "This computer's copy" : "Chain"} of ${count(chain.data.events)} verified`
                  : `Chain broken at ${chain.data.first_bad ?? "an unknown event"}`}
              </Status>
              <Age at={chain.data.verified_at} />
            </>
          ) : null
        }
      >
        <Button variant="default" loading={chain.isFetching} onClick={() => void chain.refetch()}>
          Verify
        </Button>
        <Button
          variant="default"
          loading={copy.isPending}
          title="Copies new events to this computer and compares them with those copied before"
          onClick={() => copy.mutate()}
        >
          Copy here
        </Button>
        <Button variant="default" onClick={() => setExporting(true)}>
          Report…
        </Button>
      </Head>
      <Alarms />
      <FromCopy list={shown} />
      {tail.problem ? <ErrorPanel what="What comes is not seen" problem={tail.problem} onRetry={tail.retry} /> : null}
      {chainProblem ? (
        <ErrorPanel what="The chain could not be verified" problem={chainProblem} onRetry={() => void chain.refetch()} />
      ) : null}
      {copyProblem ? (
        <ErrorPanel what="This computer's copy was not brought up to date" problem={copyProblem} onClose={() => copy.reset()} />
      ) : null}
      {chain.data && !chain.data.ok ? (
        <ErrorPanel
          what="The trail and its chain disagree"
          problem={{
            code: "audit_chain",
            message: chain.data.findings.map((f) => `${f.seq}: ${f.message}`).join("\n"),
            hint: "compare with a copy or an export that was made before",
          }}
        />
      ) : null}
      {linkedProblem ? (
        <ErrorPanel
          what="The event could not be read"
          problem={linkedProblem}
          onRetry={() => void linked.refetch()}
          onClose={() => set({ event: undefined })}
        />
      ) : null}
      {search.event && linked.data?.events.length === 0 && !listed ? (
        <div className="notice">
          <Mark tone="off" />
          <span>
            This trail has no event <span className="mono">{search.event}</span>.
          </span>
          <button type="button" className="linkish end" onClick={() => set({ event: undefined })}>
            Close
          </button>
        </div>
      ) : null}
      <section className="panel" style={{ flex: 1, minHeight: 0, display: "flex", flexDirection: "column" }} aria-label="Events">
        <div className="filters">
          <TextInput
            data-filter
            aria-label="Search events"
            placeholder="Search events"
            rightSection={<kbd>/</kbd>}
            w={164}
            value={search.q ?? ""}
            onChange={(e) => set({ q: e.currentTarget.value || undefined })}
          />
          <TextInput
            aria-label="Tenant"
            placeholder="Tenant"
            w={96}
            value={search.tenant ?? ""}
            onChange={(e) => set({ tenant: e.currentTarget.value || undefined })}
          />
          <TextInput
            aria-label="Who"
            placeholder="Who"
            w={110}
            value={search.actor ?? ""}
            onChange={(e) => set({ actor: e.currentTarget.value || undefined })}
          />
          <NativeSelect
            aria-label="Action"
            w={150}
            value={search.action ?? ""}
            data={[
              { value: "", label: "Action: any" },
              ...[...new Set([...actions, ...(search.action ? [search.action] : [])])].map((a) => ({
                value: a,
                label: eventTitle({ action: a }),
              })),
            ]}
            onChange={(e) => set({ action: e.currentTarget.value || undefined })}
          />
          <NativeSelect
            aria-label="Shard"
            w={130}
            value={search.shard ?? ""}
            data={[{ value: "", label: "Shard: any" }, ...(status.data?.shards ?? []).map((s) => s.name)]}
            onChange={(e) => set({ shard: e.currentTarget.value || undefined })}
          />
          <NativeSelect
            aria-label="When"
            w={130}
            value={search.since ?? ""}
            data={periods(search.since ?? "")}
            onChange={(e) => set({ since: e.currentTarget.value || undefined })}
          />
          <Switch
            size="xs"
            label="Live"
            styles={{ body: { alignItems: "center" } }}
            title="Adds events as they come, above those that are listed"
            checked={live}
            onChange={(e) => {
              setLive(e.currentTarget.checked);
              if (!e.currentTarget.checked) void q.refetch();
            }}
          />
          <Button variant="default" size="xs" aria-expanded={counting} onClick={() => setCounting(!counting)}>
            Counts
          </Button>
          {search.outcome ? (
            <Button variant="default" size="xs" title="Any outcome" onClick={() => set({ outcome: undefined })}>
              {eventOutcome({ status: search.outcome, phase: "" })[1]} ✕
            </Button>
          ) : null}
          {search.until ? (
            <Button variant="default" size="xs" title="Up to now" onClick={() => set({ until: undefined })}>
              until {search.until} ✕
            </Button>
          ) : null}
          <Saved filter={filter} apply={(f) => void navigate({ to: "/audit", search: addressOf(f) })} />
          <span className="end age">
            <Age at={tail.at || q.dataUpdatedAt} />
          </span>
        </div>
        {counting ? <Counts filter={filter} narrow={set} /> : null}
        <output className="fresh" aria-live="polite">
          {tail.waiting > 0 ? (
            <Button size="xs" radius="xl" onClick={tail.show}>
              {plural(tail.waiting, "new event")}
            </Button>
          ) : (
            <span className="unseen">{tail.added > 0 ? `${plural(tail.added, "new event")} listed` : ""}</span>
          )}
        </output>
        <Loaded data={shown} problem={problemOf(q)} what="the trail" rows={10} onRetry={() => void q.refetch()}>
          {(list) =>
            list.events.length === 0 ? (
              <Empty
                title={narrowed ? "No event fits" : "Nothing was changed yet"}
                action={
                  narrowed ? (
                    <Button variant="default" onClick={() => void navigate({ to: "/audit", search: {}, replace: true })}>
                      Clear the filter
                    </Button>
                  ) : undefined
                }
              >
                Every change to this fleet leaves two events: what was intended, and how it ended.
              </Empty>
            ) : (
              <div ref={tail.box} style={{ display: "contents" }} onScrollCapture={tail.scrolled}>
                <DataTable
                  key={tail.shown}
                  label="Audit trail"
                  columns={columns}
                  rows={list.events}
                  rowKey={(e) => e.id}
                  fill
                  keyboard
                  onOpen={(e) => set({ event: e.id })}
                />
              </div>
            )
          }
        </Loaded>
        {q.data && q.data.events.length >= limit ? (
          <div className="row" style={{ padding: 12 }}>
            <Button variant="default" onClick={() => setLimit(limit + 300)}>
              Older events
            </Button>
          </div>
        ) : null}
      </section>
      <Modal
        opened={one !== undefined}
        onClose={() => set({ event: undefined })}
        title={one ? `${eventTitle(one)} · no. ${one.seq}` : ""}
        size={760}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        {one ? <OneEvent event={one} /> : null}
      </Modal>
      {exporting ? <ReportBuilder filter={filter} copied={copied} onClose={() => setExporting(false)} /> : null}
    </Main>
  );
}

function OneEvent({ event: e }: { event: Event }) {
  const [tone, word] = eventOutcome(e);
  const changes = changesOf(e.before, e.after);
  return (
    <div className="stack">
      <dl className="facts">
        <dt>Outcome</dt>
        <dd>
          <Status tone={tone}>{word}</Status>
        </dd>
        <dt>When</dt>
        <dd>
          <Moment at={e.at} /> <Age at={e.at} before="· " />
        </dd>
        <dt>Who</dt>
        <dd>
          {e.actor} <span className="muted">as {e.actor_role || "nobody listed"}</span>, database role{" "}
          <span className="mono">{e.db_user}</span>, through {e.via}
        </dd>
        {e.actor_ref ? (
          <>
            <dt>Pseudonym</dt>
            <dd>
              <Mono text={e.actor_ref} what="the pseudonym" />
              <span className="muted">
                {e.actor.startsWith("erased person ")
                  ? "Who this was has been erased from the trail."
                  : "The sealed event names this in place of the e-mail."}
              </span>
            </dd>
          </>
        ) : null}
        <dt>Reason</dt>
        <dd>{e.note || "—"}</dd>
        {e.tenant ? (
          <>
            <dt>Tenant</dt>
            <dd>
              <Link to="/tenants/$id" params={{ id: e.tenant }}>
                {eventTenant(e)}
              </Link>{" "}
              {e.source || e.target ? (
                <>
                  <span className="badge">{e.source || "—"}</span> → <span className="badge">{e.target || "—"}</span>
                </>
              ) : null}
            </dd>
          </>
        ) : null}
        {e.move_id ? (
          <>
            <dt>Move</dt>
            <dd>
              <Link to="/moves/$id" params={{ id: e.move_id }} className="mono">
                {e.move_id}
              </Link>
            </dd>
          </>
        ) : null}
        <dt>Hash</dt>
        <dd>
          <Mono text={e.hash} what="the hash" />
        </dd>
      </dl>
      <h3>Before and after</h3>
      {changes.length === 0 ? (
        <p className="muted">This event recorded no values.</p>
      ) : (
        <table className="changes">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {changes.map((c) => (
              <tr key={c.key} data-changed={c.changed || undefined}>
                <th scope="row" className="mono">
                  {c.key}
                </th>
                <td className="mono">{said(c.before)}</td>
                <td className="mono">{said(c.after)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <h3>In full</h3>
      <Code text={JSON.stringify(e, null, 2)} what="the event" />
    </div>
  );
}
