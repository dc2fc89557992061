import { Button } from "@mantine/core";
import { action } from "../../app/actions";
import { TableBones } from "../../app/Bones";
import { problemOf } from "../../app/problem";
import { type ServerRow, ServerView } from "../../app/ServerView";
import type { ShardView, ShardViews } from "../../bridge";
import type { Column } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Loaded } from "../../ui/Loaded";
import type { EndAsked } from "./End";
import { useShardViews } from "./queries";

/** Views are the subjects of one part of a shard, as its server tells them. */
export function Views({ shard, group, on, onAsk }: { shard: string; group: string; on: boolean; onAsk: (asked: EndAsked) => void }) {
  const q = useShardViews(shard, on);
  if (!on)
    return (
      <section className="panel">
        <Empty title="Not known while the shard does not answer" />
      </section>
    );
  if (!q.data && !q.isError) return <TableBones what="what the server says" columns={5} rows={8} />;
  return (
    <Loaded data={q.data} problem={problemOf(q)} what="what the server says" onRetry={() => void q.refetch()}>
      {(all: ShardViews) => (
        <div className="stack" style={{ gap: 16 }}>
          {all.views
            .filter((v) => v.group === group)
            .map((v) => (
              <ServerView key={v.name} of={v} beside={v.sessions.length > 0 ? ends(v, onAsk) : undefined} />
            ))}
        </div>
      )}
    </Loaded>
  );
}

/** ends is the column of what can be done with a row's session. */
function ends(v: ShardView, onAsk: (asked: EndAsked) => void): Column<ServerRow> {
  const state = v.columns.findIndex((c) => c.name === "state");
  return {
    key: "do",
    head: "",
    width: 130,
    cell: ({ session, cells }) => {
      if (!session || session.pid === 0) return null;
      const ask = (id: EndAsked["id"]) => onAsk({ id, pid: session.pid, startedAt: session.started_at ?? "" });
      return (
        <span className="row">
          {cells[state] === "active" ? (
            <Button
              size="compact-xs"
              h={24}
              variant="default"
              title={action("session.cancel").title}
              aria-label={`Cancel what session ${session.pid} runs`}
              onClick={() => ask("session.cancel")}
            >
              Cancel…
            </Button>
          ) : null}
          <Button
            size="compact-xs"
            h={24}
            variant="default"
            title={action("session.end").title}
            aria-label={`End session ${session.pid}`}
            onClick={() => ask("session.end")}
          >
            End…
          </Button>
        </span>
      );
    },
  };
}
