import { useQuery } from "@tanstack/react-query";
import { problemOf } from "../../app/problem";
import { api, keys, type ReportSchedule } from "../../bridge";
import { Moment } from "../../ui/Age";
import { count } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Status, type Tone } from "../../ui/Status";

const tones: Record<string, Tone> = { delivered: "ok", due: "run", late: "warn", failed: "bad" };

/** Schedules lists the reports that workers write by themselves: the next, the last, and what is missing and why. */
export function Schedules() {
  const q = useQuery({ queryKey: keys.reportSchedules, queryFn: () => api.reportSchedules() });
  return (
    <section className="schedules" aria-label="Scheduled reports">
      <h3>Scheduled</h3>
      <Loaded data={q.data} problem={problemOf(q)} what="the scheduled reports" rows={2} onRetry={() => void q.refetch()}>
        {(list) =>
          list.schedules.length === 0 ? (
            <p className="muted">
              The fleet file asks for none. A <span className="mono">[[report]]</span> in it has a worker write one each week or month.
            </p>
          ) : (
            <ul>
              {list.schedules.map((s) => (
                <Schedule key={s.name} schedule={s} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}

function Schedule({ schedule: s }: { schedule: ReportSchedule }) {
  return (
    <li>
      <div className="row">
        <span className="medium">{s.name}</span>
        <span className="muted">
          {s.kind}, {s.format}, every {s.every} at {s.time_of_day} {s.zone}
        </span>
        <span className="end">
          <Status tone={tones[s.status] ?? "off"}>{s.missing > 0 ? `${s.status}, ${count(s.missing)} missing` : s.status}</Status>
        </span>
      </div>
      <p className="small muted">
        Next <Moment at={s.next_at} /> · last delivered{" "}
        {s.delivered_at ? <Moment at={s.delivered_at} /> : <span>unknown: {s.delivered_at_reason}</span>}
        {s.status === "failed" ? (
          <>
            {" "}
            · failed <Moment at={s.failed_at} />
          </>
        ) : null}
      </p>
      {s.status_reason ? <p className="small">{s.status_reason}</p> : null}
    </li>
  );
}
