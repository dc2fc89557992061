import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useStatus } from "../../app/current";
import { eventOutcome, eventTitle } from "../../app/events";
import { often } from "../../app/live";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { type AuditFilter, api, type Event, keys } from "../../bridge";
import { Age } from "../../ui/Age";
import { Code } from "../../ui/Copy";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { count, plural } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head } from "../../ui/Panel";
import { Status } from "../../ui/Status";

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
  { key: "tenant", head: "Tenant", cell: (e) => e.tenant || <span className="faint">—</span> },
  { key: "way", head: "From → to", cell: (e) => (e.source || e.target ? `${e.source} → ${e.target}` : <span className="faint">—</span>) },
  { key: "who", head: "Who", cell: (e) => e.actor },
  { key: "note", head: "Reason", cell: (e) => <span title={e.note}>{e.note}</span> },
];

export function AuditScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const status = useStatus();
  const [limit, setLimit] = useState(200);
  const [exporting, setExporting] = useState(false);
  const filter: AuditFilter = {
    tenant: search.tenant ?? "",
    actor: search.actor ?? "",
    shard: search.shard ?? "",
    action: search.action ?? "",
    since: search.since ?? "",
    until: "",
    search: search.q ?? "",
    before: 0,
    limit,
  };
  const q = useQuery({
    queryKey: keys.audit(filter),
    queryFn: () => api.audit(filter),
    refetchInterval: often(2),
    placeholderData: keepPreviousData,
  });
  const chain = useQuery({ queryKey: keys.verification, queryFn: () => api.verifyAudit() });
  const set = (next: Partial<typeof search>) => void navigate({ to: "/audit", search: (s) => ({ ...s, ...next }), replace: true });
  const chainProblem = problemOf(chain);
  const one = q.data?.events.find((e) => e.id === search.event);
  return (
    <Main fill>
      <Head
        title="Audit"
        sub={
          chain.data ? (
            <>
              <Status tone={chain.data.ok ? "ok" : "bad"}>
                {chain.data.ok
                  ? `Chain of ${count(chain.data.events)} verified`
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
        <Button variant="default" onClick={() => setExporting(true)}>
          Export…
        </Button>
      </Head>
      {chainProblem ? (
        <ErrorPanel what="The chain could not be verified" problem={chainProblem} onRetry={() => void chain.refetch()} />
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
      <section className="panel" style={{ flex: 1, minHeight: 0, display: "flex", flexDirection: "column" }} aria-label="Events">
        <div className="filters">
          <TextInput
            data-filter
            aria-label="Search events"
            placeholder="Search events"
            rightSection={<kbd>/</kbd>}
            w={240}
            value={search.q ?? ""}
            onChange={(e) => set({ q: e.currentTarget.value || undefined })}
          />
          <TextInput
            aria-label="Tenant"
            placeholder="Tenant"
            w={140}
            value={search.tenant ?? ""}
            onChange={(e) => set({ tenant: e.currentTarget.value || undefined })}
          />
          <NativeSelect
            aria-label="Shard"
            w={160}
            value={search.shard ?? ""}
            data={[{ value: "", label: "Shard: any" }, ...(status.data?.shards ?? []).map((s) => s.name)]}
            onChange={(e) => set({ shard: e.currentTarget.value || undefined })}
          />
          <span className="end age">
            <Age at={q.dataUpdatedAt} />
          </span>
        </div>
        <Loaded data={q.data} problem={problemOf(q)} what="the trail" rows={10} onRetry={() => void q.refetch()}>
          {(list) =>
            list.events.length === 0 ? (
              <Empty title="No event fits">Every change to this fleet leaves two: what was intended, and how it ended.</Empty>
            ) : (
              <DataTable
                label="Audit trail"
                columns={columns}
                rows={list.events}
                rowKey={(e) => e.id}
                fill
                keyboard
                onOpen={(e) => set({ event: e.id })}
              />
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
        title={one ? `${one.seq} · ${eventTitle(one)}` : ""}
        size={720}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        {one ? <Code text={JSON.stringify(one, null, 2)} what="the event" /> : null}
      </Modal>
      <Export open={exporting} filter={filter} onClose={() => setExporting(false)} />
    </Main>
  );
}

function Export({ open, filter, onClose }: { open: boolean; filter: AuditFilter; onClose: () => void }) {
  const [format, setFormat] = useState("csv");
  const [note, setNote] = useState("");
  const run = useMutation({ mutationFn: () => api.exportAudit(format, { ...filter, limit: 0 }, note) });
  const problem = problemOf(run);
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title="Export what is shown"
      size={520}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="stack">
        <p className="muted">Writes every event that the filter selects, with a manifest beside it.</p>
        <NativeSelect
          label="Format"
          value={format}
          data={[
            { value: "csv", label: "CSV" },
            { value: "jsonl", label: "JSON lines" },
          ]}
          onChange={(e) => setFormat(e.currentTarget.value)}
        />
        <TextInput
          label="Reason"
          description="It is kept in the audit trail."
          required
          value={note}
          onChange={(e) => setNote(e.currentTarget.value)}
          data-autofocus
        />
        {problem ? <ErrorPanel what="Nothing was exported" problem={problem} /> : null}
        {run.data ? (
          <>
            <p>{plural(run.data.count, "event")} written.</p>
            <Code text={run.data.file} what="the file's name" />
          </>
        ) : null}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button disabled={note.trim() === ""} loading={run.isPending} onClick={() => run.mutate()}>
            Export
          </Button>
        </div>
      </div>
    </Modal>
  );
}
