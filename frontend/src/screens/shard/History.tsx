import { SegmentedControl } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { TableBones } from "../../app/Bones";
import { problemOf } from "../../app/problem";
import type { HistoryMark, HistoryView, MetricHistory, Sampling } from "../../bridge";
import { inUnit, inWords, markWords, rows, summary } from "../../charts/shape";
import { Age } from "../../ui/Age";
import { absolute, useUTC } from "../../ui/clock";
import { Empty } from "../../ui/Empty";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Panel";
import { useShardHistory } from "./queries";

// What draws is fetched when somebody wants to see it.
const Course = lazy(() => import("../../charts/Course"));

/** ranges are how far back can be looked: their name in the address, on the button, and as an age. */
const ranges: [name: string, title: string, since: string][] = [
  ["1h", "1 h", "1h"],
  ["24h", "24 h", "24h"],
  ["7d", "7 d", "7d"],
  ["30d", "30 d", "30d"],
  ["1y", "1 y", "365d"],
  ["2y", "2 y", "730d"],
];

/** History shows how the shard's figures went, from what this computer keeps. */
export function History({ shard }: { shard: string }) {
  const { range } = useSearch({ from: "/shards/$name" });
  const navigate = useNavigate();
  const [name, , since] = ranges.find(([n]) => n === range) ?? (ranges[1] as (typeof ranges)[number]);
  const q = useShardHistory(shard, since);
  return (
    <div className="stack" style={{ gap: 16 }}>
      <div className="row wrap">
        <SegmentedControl
          size="xs"
          aria-label="How far back"
          data={ranges.map(([value, label]) => ({ value, label }))}
          value={name}
          onChange={(to) =>
            void navigate({
              to: "/shards/$name",
              params: { name: shard },
              search: (s: { tab?: string }) => ({ ...s, range: to }),
              replace: true,
            })
          }
        />
        {q.data ? <Who of={q.data.sampling} /> : null}
        <span className="end">
          <Age at={q.dataUpdatedAt || undefined} />
        </span>
      </div>
      {!q.data && !q.isError ? (
        <TableBones what="the history" columns={2} rows={8} />
      ) : (
        <Loaded data={q.data} problem={problemOf(q)} what="the history" onRetry={() => void q.refetch()}>
          {(v: HistoryView) => <Courses of={v} />}
        </Loaded>
      )}
    </div>
  );
}

const faces: Record<string, string> = { window: "the window", page: "the page", worker: "a worker", api: "a program with the API" };

/** Who says who measures on this computer, or why nobody does. */
function Who({ of: s }: { of: Sampling }) {
  const utc = useUTC();
  return (
    <span className="muted">
      {s.on
        ? `Measured by ${s.here ? "this program" : `${faces[s.by] ?? s.by} (process ${s.process})`} since ${absolute(s.since ?? "", utc)}.`
        : null}
      {s.reason ? ` ${s.reason.charAt(0).toUpperCase()}${s.reason.slice(1)}.` : null}
    </span>
  );
}

function Courses({ of: v }: { of: HistoryView }) {
  const utc = useUTC();
  const one = v.shards[0];
  if (!one || one.kept_since === null || one.kept_since === undefined)
    return (
      <section className="panel">
        <Empty title="Nothing has been measured yet">
          {v.sampling.on
            ? `The first figures come within a minute. This fleet is measured since ${absolute(v.sampling.since ?? "", utc)}.`
            : "The window, serve and worker measure while they run, and keep it on this computer."}
        </Empty>
      </section>
    );
  return (
    <>
      <div className="courses">
        {one.metrics.map((m) => (
          <One key={m.name} of={m} v={v} utc={utc} />
        ))}
      </div>
      <Marks of={v} utc={utc} />
      <p className="muted small">
        Kept on this computer since {absolute(one.kept_since, utc)}.{" "}
        {v.step_seconds > 0
          ? `A point stands for ${span(v.step_seconds)}; the band is from the least to the most.`
          : "Each point is one measurement."}{" "}
        Where nothing was measured there is a gap.
      </p>
    </>
  );
}

/** span says how long a step is. */
function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** partsOfTable is how many rows say a course in numbers. */
const partsOfTable = 24;

/** One is the course of a figure, drawn and in numbers. */
export function One({ of: m, v, utc }: { of: MetricHistory; v: HistoryView; utc: boolean }) {
  const [pointed, setPointed] = useState<[number, number | null] | null>(null);
  const s = summary(m);
  if (!s)
    return (
      <Panel title={m.title}>
        <Empty title={`${m.reason.charAt(0).toUpperCase()}${m.reason.slice(1)}`} />
      </Panel>
    );
  const note =
    pointed === null
      ? `${inUnit(m.unit, s.least)} to ${inUnit(m.unit, s.most)}`
      : `${absolute(pointed[0] * 1000, utc)}: ${pointed[1] === null ? "not measured" : inUnit(m.unit, pointed[1])}`;
  return (
    <Panel title={m.title} note={<span className="num">{note}</span>} age={<span className="strong num">{inUnit(m.unit, s.last)}</span>}>
      <p className="hidden">{inWords(m)}</p>
      <Suspense fallback={<div className="course" />}>
        <Course
          of={m}
          from={v.from}
          to={v.to}
          marks={v.marks}
          utc={utc}
          onPoint={(at, value) => setPointed(at === null ? null : [at, value])}
        />
      </Suspense>
      <details className="evidence below">
        <summary>In numbers</summary>
        <Numbers of={m} v={v} utc={utc} />
      </details>
    </Panel>
  );
}

function Numbers({ of: m, v, utc }: { of: MetricHistory; v: HistoryView; utc: boolean }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
    <section className="scrolls" aria-label={`${m.title} in numbers`} tabIndex={0}>
      <table className="plain small num">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Least</th>
            <th scope="col">Mean</th>
            <th scope="col">Most</th>
          </tr>
        </thead>
        <tbody>
          {rows(m, v.from, v.to, partsOfTable).map((r) => (
            <tr key={r.at}>
              <td>{absolute(r.at * 1000, utc)}</td>
              <td>{inUnit(m.unit, r.least)}</td>
              <td>{inUnit(m.unit, r.mean)}</td>
              <td>{inUnit(m.unit, r.most)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Marks lists what was done to the shard in the time that is shown. */
function Marks({ of: v, utc }: { of: HistoryView; utc: boolean }) {
  if (v.marks_reason) return <p className="muted small">Which moves and assignments there were is not known: {v.marks_reason}.</p>;
  if (v.marks.length === 0) return null;
  return (
    <Panel title="What was done meanwhile" note="the lines in the charts">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <ul className="marklist num" tabIndex={0} aria-label="Moves and assignments">
        {[...v.marks].reverse().map((m: HistoryMark) => (
          <li key={`${m.at} ${m.kind} ${m.tenant} ${m.move}`}>
            <span className="markline" data-kind={m.kind} aria-hidden="true" />
            <span className="muted">{absolute(m.at * 1000, utc)}</span>
            {m.move ? (
              <Link to="/moves/$id" params={{ id: m.move }}>
                {markWords(m)}
              </Link>
            ) : (
              <span>{markWords(m)}</span>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
