import { clockTime, useUTC } from "../../ui/clock";
import { count } from "../../ui/format";
import { Panel } from "../../ui/Panel";
import { points, rounded, type Sample } from "./rate";

const width = 760;
const height = 150;
const box = { left: 0, right: width, top: 22, bottom: height - 22 };

/** Throughput draws the rows a second that this page has seen copied. */
export function Throughput({ samples, live }: { samples: readonly Sample[]; live: boolean }) {
  const utc = useUTC();
  const list = points(samples);
  const first = samples[0];
  const last = list[list.length - 1];
  if (!first || !last || list.length < 2) return null;
  const until = Math.max(last.at, first.at + 10_000);
  const most = rounded(Math.max(...list.map((p) => p.rate)));
  const x = (at: number) => box.left + ((at - first.at) / (until - first.at)) * (box.right - box.left);
  const y = (rate: number) => box.bottom - (Math.max(0, rate) / most) * (box.bottom - box.top);
  const curve = list.map((p, i) => `${i === 0 ? "M" : "L"}${x(p.at).toFixed(1)} ${y(p.rate).toFixed(1)}`).join("");
  const start = list[0] ?? last;
  const now = Math.round(last.rate);
  return (
    <Panel title="Throughput" note="as this page has seen it" age={live ? "live" : "over"}>
      <div style={{ padding: "4px 16px 8px" }}>
        <svg
          className="chart"
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Rows a second: ${count(now)} at last, at most ${count(Math.round(Math.max(...list.map((p) => p.rate))))}`}
        >
          {[0, 0.5, 1].map((share) => (
            <line key={share} className="grid" x1={box.left} x2={box.right} y1={y(most * share)} y2={y(most * share)} />
          ))}
          <path className="area" d={`${curve}L${x(last.at).toFixed(1)} ${box.bottom}L${x(start.at).toFixed(1)} ${box.bottom}Z`} />
          <path className="curve" d={curve} vectorEffect="non-scaling-stroke" />
        </svg>
        <div className="scale" aria-hidden="true">
          <span className="top">{count(most)} rows/s</span>
          <span>{clockTime(first.at, utc)}</span>
          <span className="end">{clockTime(until, utc)}</span>
        </div>
      </div>
    </Panel>
  );
}
