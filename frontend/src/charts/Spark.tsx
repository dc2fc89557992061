import type { MetricHistory } from "../bridge";
import { inWords, spark } from "./shape";
import "./charts.css";

/** Spark is a course at a glance, in the place of a word. */
export function Spark({
  of: m,
  from,
  to,
  width = 72,
  height = 18,
}: {
  of: MetricHistory | undefined;
  from: number;
  to: number;
  width?: number;
  height?: number;
}) {
  if (!m) return null;
  const path = spark(m, from, to, width, height);
  if (path === "") return null;
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${inWords(m)}, in 24 hours`}
    >
      <path d={path} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
