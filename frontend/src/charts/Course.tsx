import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { HistoryMark, MetricHistory } from "../bridge";
import { lone, scaled, values } from "./shape";
import "./charts.css";

const height = 148;

export interface CourseProps {
  of: MetricHistory;
  from: number;
  to: number;
  marks: readonly HistoryMark[];
  utc: boolean;
  /** Told where the pointer is: seconds, or null where it is not on the chart. */
  onPoint: (at: number | null, value: number | null) => void;
}

/** token is a colour as the theme has it now: a canvas knows no variables. */
function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** marked draws what was done as lines from top to bottom. */
function marked(marks: readonly HistoryMark[]): uPlot.Plugin {
  return {
    hooks: {
      draw: (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.lineWidth = Math.max(1, uPlot.pxRatio);
        for (const m of marks) {
          const x = Math.round(u.valToPos(m.at, "x", true));
          if (x < bbox.left || x > bbox.left + bbox.width) continue;
          ctx.strokeStyle = token(m.kind === "assigned" ? "--c3" : "--c4");
          ctx.setLineDash(m.kind === "move_started" ? [2, 4] : []);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
        }
        ctx.restore();
      },
    },
  };
}

/** Course draws one figure over time. Where nothing was measured there is a gap. */
export default function Course({ of: m, from, to, marks, utc, onPoint }: CourseProps) {
  const place = useRef<HTMLDivElement>(null);
  const tell = useRef(onPoint);
  tell.current = onPoint;
  const scheme = useComputedColorScheme("light");
  // biome-ignore lint/correctness/useExhaustiveDependencies: scheme changes the colours that tokens stand for
  useEffect(() => {
    const at = place.current;
    if (!at) return;
    const mean = values(m.mean);
    const banded = m.least.length > 0;
    const line = token("--c1");
    const axis = {
      stroke: token("--muted"),
      font: `11px ${getComputedStyle(document.body).fontFamily}`,
      grid: { stroke: token("--line"), width: 1 },
      ticks: { show: false },
    };
    const plain = { points: { show: false }, stroke: "transparent", width: 0 };
    const chart = new uPlot(
      {
        width: Math.max(at.clientWidth, 100),
        height,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "history" }, drag: { x: false, y: false }, points: { size: 7, fill: line } },
        tzDate: (seconds) => (utc ? uPlot.tzDate(new Date(seconds * 1000), "UTC") : new Date(seconds * 1000)),
        scales: {
          x: { time: true, range: () => [from, to] },
          y: { range: (_u, low, high) => range(m.unit, low, high) },
        },
        axes: [
          { ...axis, size: to - from > long ? 42 : 28, values: times(to - from) },
          { ...axis, size: 64, values: (_u, list) => scaled(m.unit, list) },
        ],
        // In this order the line is drawn over the band.
        series: [
          {},
          ...(banded ? [plain, plain] : []),
          { stroke: line, width: 1.5, points: { show: true, size: 4, fill: line, filter: () => lone(mean) } },
        ],
        bands: banded ? [{ series: [1, 2], fill: token("--accent-bg") }] : [],
        plugins: [marked(marks)],
        hooks: {
          setCursor: [
            (u) => {
              const i = u.cursor.idx;
              const inside = typeof i === "number" && (u.cursor.left ?? -1) >= 0;
              tell.current(inside ? (m.at[i] ?? null) : null, inside ? (mean[i] ?? null) : null);
            },
          ],
        },
      },
      (banded ? [m.at, values(m.most), values(m.least), mean] : [m.at, mean]) as uPlot.AlignedData,
      at,
    );
    const watch = new ResizeObserver(() => {
      // A canvas that is given its own size again is blank until it is drawn.
      if (at.clientWidth > 0 && at.clientWidth !== chart.width) chart.setSize({ width: at.clientWidth, height });
    });
    watch.observe(at);
    return () => {
      watch.disconnect();
      chart.destroy();
    };
  }, [m, from, to, marks, utc, scheme]);
  return <div ref={place} className="course" aria-hidden="true" />;
}

/** range is from nothing where that is near, and never flat. */
function range(unit: string, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  if (unit === "share") return [Math.max(0, Math.min(low, 0.98) - 0.02), 1];
  const bottom = low > high / 2 ? low - (high - low) * 0.2 - high * 0.002 : 0;
  const top = high + (high - bottom) * 0.08;
  return [Math.max(0, bottom), top > bottom ? top : bottom + 1];
}

/** long is from where on the axis names years. */
const long = 300 * 86_400;

/** times writes the hours of a short time and the days of a long one. */
function times(span: number): uPlot.Axis.Values {
  const day = 86_400;
  if (span > long)
    return [
      [365 * day, "{YYYY}", null, null, null, null, null, null, 1],
      [28 * day, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    ];
  if (span > 2 * day) return [[day, "{D} {MMM}", null, null, null, null, null, null, 1]];
  return [[60, "{HH}:{mm}", null, null, null, null, null, null, 1]];
}
