import { TableBones } from "../../app/Bones";
import { problemOf } from "../../app/problem";
import { ServerView } from "../../app/ServerView";
import { Age } from "../../ui/Age";
import { Empty } from "../../ui/Empty";
import { Loaded } from "../../ui/Loaded";
import { Mark } from "../../ui/Status";
import { useComparison } from "./queries";

/** Compare is the shards of the fleet side by side. */
export function Compare() {
  const q = useComparison();
  if (!q.data && !q.isError) return <TableBones what="the shards" columns={6} rows={10} />;
  return (
    <Loaded data={q.data} problem={problemOf(q)} what="the comparison" onRetry={() => void q.refetch()}>
      {(all) => {
        const silent = all.shards.filter((s) => s.problem && !s.checked_at);
        const old = all.shards.filter((s) => s.problem && s.checked_at);
        if (all.shards.length < 2 || silent.length === all.shards.length)
          return (
            <section className="panel">
              <Empty title={all.shards.length < 2 ? "It takes two shards to compare" : "No shard answers"}>
                {all.shards.length < 2
                  ? "With a second configured shard, statements, settings, extensions and indexes stand side by side here."
                  : silent[0]?.problem?.message}
              </Empty>
            </section>
          );
        return (
          <div className="stack" style={{ gap: 16 }}>
            {silent.length > 0 ? (
              <div className="notice warn top">
                <Mark tone="warn" />
                <div>
                  <p className="strong">
                    {all.shards.length - silent.length} of {all.shards.length} shards answer; of the others nothing is known.
                  </p>
                  {silent.map((s) => (
                    <p key={s.name} className="muted">
                      {s.name}: {s.problem?.message}
                    </p>
                  ))}
                </div>
              </div>
            ) : null}
            {old.length > 0 ? (
              <div className="notice warn top">
                <Mark tone="warn" />
                <div>
                  <p className="strong">
                    {old.length === 1 ? "One shard is slow" : `${old.length} shards are slow`}: what is shown is old.
                  </p>
                  {old.map((s) => (
                    <p key={s.name} className="muted">
                      {s.problem?.message} <Age at={s.checked_at ?? undefined} />
                    </p>
                  ))}
                </div>
              </div>
            ) : null}
            {all.views.map((v) => (
              <ServerView key={v.name} of={v} />
            ))}
          </div>
        );
      }}
    </Loaded>
  );
}
