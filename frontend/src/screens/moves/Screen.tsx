import { Button, NativeSelect, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMoves } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { ActionButton, useAction } from "../../app/Reach";
import type { MoveView } from "../../bridge";
import { Age } from "../../ui/Age";
import { Bar } from "../../ui/Bar";
import { type Column, DataTable, readSort, writeSort } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { bytes, count } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Head } from "../../ui/Panel";
import { moveStatus, Status } from "../../ui/Status";
import { AskQueue } from "./AskQueue";
import { QueueNotice } from "./QueueNotice";
import { isOver } from "./verbs";

const route = getRouteApi("/moves");

const columns: Column<MoveView>[] = [
  {
    key: "tenant",
    head: "Tenant",
    by: (m) => m.label || m.tenant,
    cell: (m) => (
      <Link to="/moves/$id" params={{ id: m.id }} className="strong" style={{ color: "inherit" }}>
        {m.label || m.tenant}
      </Link>
    ),
  },
  { key: "source", head: "From", by: (m) => m.source, cell: (m) => <span className="badge">{m.source}</span> },
  { key: "target", head: "To", by: (m) => m.target, cell: (m) => <span className="badge">{m.target}</span> },
  {
    key: "state",
    head: "State",
    by: (m) => m.state,
    cell: (m) => {
      const [tone, word] = moveStatus(m);
      return <Status tone={tone}>{word}</Status>;
    },
  },
  {
    key: "progress",
    head: "Rows copied",
    by: (m) => (m.rows > 0 ? m.rows_copied / m.rows : 0),
    cell: (m) => (
      <span className="cap">
        <Bar share={m.rows > 0 ? m.rows_copied / m.rows : 0} label={`Rows copied of ${m.label}`} />
        <span className="num muted">{count(m.rows_copied)}</span>
      </span>
    ),
  },
  { key: "rows", head: "Rows planned", right: true, by: (m) => m.rows, cell: (m) => count(m.rows) },
  { key: "bytes", head: "Size", right: true, by: (m) => m.bytes, cell: (m) => bytes(m.bytes) },
  { key: "by", head: "By", by: (m) => m.created_by, cell: (m) => <span className="muted">{m.created_by}</span> },
  { key: "created", head: "Filed", by: (m) => m.created_at, cell: (m) => <Age at={m.created_at} /> },
];

function fits(m: MoveView, q: string, show: string): boolean {
  if (show === "open" && isOver(m.state)) return false;
  if (show === "over" && !isOver(m.state)) return false;
  return `${m.label} ${m.tenant} ${m.id} ${m.source} ${m.target} ${m.created_by}`.toLowerCase().includes(q.toLowerCase());
}

export function MovesScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const q = useMoves();
  const start = useAction("move.start");
  const queue = q.data?.queue;
  const ask = (what: string | undefined) => navigate({ to: "/moves", search: (s) => ({ ...s, queue: what }), replace: true });
  return (
    <Main fill>
      <Head title="Moves">
        {q.data && !queue?.paused ? (
          <span title={queue ? undefined : q.data.queue_reason}>
            <ActionButton id="queue.pause" variant="default" disabled={!queue}>
              Pause the queue…
            </ActionButton>
          </span>
        ) : null}
        <Button onClick={start}>Move a tenant…</Button>
      </Head>
      <QueueNotice queue={queue} />
      {queue ? <AskQueue queue={queue} what={search.queue} onClose={() => void ask(undefined)} /> : null}
      <section className="panel" style={{ flex: 1, minHeight: 0, display: "flex", flexDirection: "column" }} aria-label="Moves">
        <div className="filters">
          <TextInput
            data-filter
            aria-label="Filter by tenant, shard or operator"
            placeholder="Filter by tenant, shard or operator"
            rightSection={<kbd>/</kbd>}
            w={300}
            value={search.q ?? ""}
            onChange={(e) => {
              const text = e.currentTarget.value || undefined;
              void navigate({ to: "/moves", search: (s) => ({ ...s, q: text }), replace: true });
            }}
          />
          <NativeSelect
            aria-label="Which moves"
            w={170}
            value={search.show ?? ""}
            data={[
              { value: "", label: "All moves" },
              { value: "open", label: "Not yet over" },
              { value: "over", label: "Over" },
            ]}
            onChange={(e) => {
              const show = e.currentTarget.value || undefined;
              void navigate({ to: "/moves", search: (s) => ({ ...s, show }), replace: true });
            }}
          />
          <span className="end age">
            <Age at={q.dataUpdatedAt} />
          </span>
        </div>
        <Loaded data={q.data} problem={problemOf(q)} what="the moves" rows={8} onRetry={() => void q.refetch()}>
          {(list) => {
            const shown = list.moves.filter((m) => fits(m, search.q ?? "", search.show ?? ""));
            if (list.moves.length === 0)
              return (
                <Empty title="No tenant was moved yet" action={<Button onClick={start}>Move a tenant…</Button>}>
                  A move is planned and checked first; nothing is written until you start it.
                </Empty>
              );
            if (shown.length === 0)
              return (
                <Empty
                  title="No move fits"
                  action={
                    <Button variant="default" onClick={() => void navigate({ to: "/moves", search: {}, replace: true })}>
                      Clear the filter
                    </Button>
                  }
                />
              );
            return (
              <DataTable
                label="List of moves"
                columns={columns}
                rows={shown}
                rowKey={(m) => m.id}
                fill
                keyboard
                sort={readSort(search.sort)}
                onSort={(next) => void navigate({ to: "/moves", search: (s) => ({ ...s, sort: writeSort(next) }), replace: true })}
                onOpen={(m) => void navigate({ to: "/moves/$id", params: { id: m.id } })}
              />
            );
          }}
        </Loaded>
      </section>
    </Main>
  );
}
