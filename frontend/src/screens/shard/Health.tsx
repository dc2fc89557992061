import { TableBones } from "../../app/Bones";
import { problemOf } from "../../app/problem";
import type { Finding, ShardHealth, ShardStatus, UnavailableCheck } from "../../bridge";
import { Age } from "../../ui/Age";
import { Mono } from "../../ui/Copy";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Figure, Figures } from "../../ui/Figure";
import { count } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";
import { FindingList } from "./Findings";
import type { useShardHealth } from "./queries";

/** kinds are the severities, the worst first, and what each asks of a person. */
const kinds: [severity: string, title: string, note: string][] = [
  ["critical", "Critical", "act now"],
  ["warning", "Warnings", "look today"],
  ["info", "Notes", "worth knowing"],
];

/** Health is what the checks found of a shard, by how bad it is, and which could not look. */
export function Health({
  shard,
  h,
  health,
}: {
  shard: ShardStatus;
  h: ShardHealth | undefined;
  health: ReturnType<typeof useShardHealth>;
}) {
  if (!h && !health.isError) return <TableBones what="the findings" columns={3} rows={8} />;
  return (
    <Loaded data={h} problem={problemOf(health) ?? h?.problem ?? null} what="the findings" onRetry={() => void health.refetch()}>
      {(x: ShardHealth) => <Found shard={shard} h={x} />}
    </Loaded>
  );
}

function Found({ shard, h }: { shard: ShardStatus; h: ShardHealth }) {
  const of = (severity: string) => h.findings.filter((f: Finding) => f.severity === severity);
  // A second look is all that these want: they are no lack.
  const soon = h.unavailable.filter((u) => u.later);
  const blind = h.unavailable.filter((u) => !u.later);
  const known = shard.reachable || h.findings.length > 0;
  const reason = h.problem?.message ?? "not known";
  return (
    <div className="stack" style={{ gap: 16 }}>
      <Figures label="Findings in figures">
        {kinds.map(([severity, title, note]) => (
          <Figure key={severity} label={title} value={known ? count(of(severity).length) : null} reason={reason} detail={note} />
        ))}
        <Figure label="Could not look" value={count(blind.length)} detail={blind.length > 0 ? "see below why" : "every check can"} />
        <Figure label="Look again" value={count(soon.length)} detail="compared with the next look" />
      </Figures>
      {h.findings.length === 0 ? (
        <section className="panel">
          {h.problem ? (
            <Empty title="Nothing is known of it now">{h.problem.message}</Empty>
          ) : (
            <Empty title="Nothing to report">Every check that could look found what it should.</Empty>
          )}
        </section>
      ) : (
        kinds
          .filter(([severity]) => of(severity).length > 0)
          .map(([severity, title]) => (
            <Panel key={severity} title={title} note={count(of(severity).length)} age={<Age at={h.checked_at} />}>
              <FindingList list={of(severity)} />
            </Panel>
          ))
      )}
      {blind.length > 0 ? <Blind title="Checks that could not look" list={blind} /> : null}
      {soon.length > 0 ? <Blind title="Checks that compare with their next look" list={soon} /> : null}
    </div>
  );
}

/** Blind lists checks of which nothing is known, why, and what mends it. */
function Blind({ title, list }: { title: string; list: UnavailableCheck[] }) {
  const grants = list.some((u) => u.grant);
  const columns: Column<UnavailableCheck>[] = [
    { key: "check", head: "Check", width: 220, cell: (u) => u.check.replaceAll("_", " ") },
    {
      key: "reason",
      head: "Why",
      cell: (u) => <span className="muted sentence">{u.reason}</span>,
    },
    ...(grants
      ? [
          {
            key: "grant",
            head: "What mends it",
            width: 320,
            cell: (u: UnavailableCheck) => (u.grant ? <Mono text={u.grant} what="the GRANT" /> : null),
          },
        ]
      : []),
  ];
  return (
    <Panel title={title} note={count(list.length)}>
      <DataTable label={title} compact columns={columns} rows={list} rowKey={(u) => u.check} />
    </Panel>
  );
}
