import type { HistoryMark, MetricHistory } from "../bridge";
import { bytes, count, millis, percent } from "../ui/format";

/** One point of a course, or a gap in which nothing was measured. */
type Value = number | null;

/** values are a column as it is drawn: what the bridge leaves out is a gap as well. */
export function values(column: readonly (number | null | undefined)[]): Value[] {
  return column.map((v) => (typeof v === "number" && Number.isFinite(v) ? v : null));
}

/** lone are the points between two gaps: a line alone would not show them. */
export function lone(column: readonly Value[]): number[] {
  const out: number[] = [];
  column.forEach((v, i) => {
    if (v !== null && (column[i - 1] ?? null) === null && (column[i + 1] ?? null) === null) out.push(i);
  });
  return out;
}

/** inUnit writes a value as people read it. */
export function inUnit(unit: string, v: number): string {
  switch (unit) {
    case "ms":
      return millis(v);
    case "bytes":
      return bytes(v);
    case "share":
      return percent(v);
    case "per_second":
      return `${v < 10 ? v.toFixed(1) : count(v)}/s`;
    default:
      return Number.isInteger(v) ? count(v) : v.toFixed(1);
  }
}

/** scaled writes the values of an axis; what reads as the one before it says nothing new. */
export function scaled(unit: string, list: readonly number[]): string[] {
  const written = list.map((v) => inUnit(unit, v));
  return written.map((text, i) => (text === written[i - 1] ? "" : text));
}

export interface Summary {
  least: number;
  mean: number;
  most: number;
  last: number;
  lastAt: number;
  gaps: number;
}

/** summary sums a course up; null where nothing was measured. */
export function summary(m: MetricHistory): Summary | null {
  const mean = values(m.mean);
  const low = m.least.length > 0 ? values(m.least) : mean;
  const high = m.most.length > 0 ? values(m.most) : mean;
  let out: Summary | null = null;
  let sum = 0;
  let n = 0;
  let gaps = 0;
  mean.forEach((v, i) => {
    if (v === null) {
      gaps++;
      return;
    }
    sum += v;
    n++;
    const l = low[i] ?? v;
    const h = high[i] ?? v;
    out = {
      least: Math.min(out?.least ?? l, l),
      most: Math.max(out?.most ?? h, h),
      mean: sum / n,
      last: v,
      lastAt: m.at[i] ?? 0,
      gaps,
    };
  });
  // Gaps after the last point are none between points, and are seen all the same.
  return out === null ? null : { ...(out as Summary), gaps };
}

/** inWords says a course in one sentence, for those who do not see it. */
export function inWords(m: MetricHistory): string {
  const s = summary(m);
  if (!s) return `${m.title}: ${m.reason}`;
  const u = (v: number) => inUnit(m.unit, v);
  const gaps = s.gaps === 0 ? "" : s.gaps === 1 ? ", with one gap" : `, with ${s.gaps} gaps`;
  return `${m.title}: ${u(s.last)} at last, on average ${u(s.mean)}, from ${u(s.least)} to ${u(s.most)}${gaps}`;
}

export interface Row {
  at: number;
  mean: number;
  least: number;
  most: number;
}

/** rows are a course in at most that many parts of its time; parts without a value are left out. */
export function rows(m: MetricHistory, from: number, to: number, most: number): Row[] {
  const parts = new Map<number, { sum: number; n: number; least: number; most: number }>();
  const length = Math.max(1, Math.ceil((to - from) / most));
  const mean = values(m.mean);
  mean.forEach((v, i) => {
    if (v === null) return;
    const at = Math.max(0, Math.floor(((m.at[i] ?? from) - from) / length));
    const low = m.least[i] ?? v;
    const high = m.most[i] ?? v;
    const p = parts.get(at) ?? { sum: 0, n: 0, least: low, most: high };
    parts.set(at, { sum: p.sum + v, n: p.n + 1, least: Math.min(p.least, low), most: Math.max(p.most, high) });
  });
  return [...parts].map(([i, p]) => ({ at: from + i * length, mean: p.sum / p.n, least: p.least, most: p.most }));
}

/** spark is a course as the path of a small picture, a new stroke after each gap; "" where there is nothing. */
export function spark(m: MetricHistory, from: number, to: number, width: number, height: number): string {
  const mean = values(m.mean);
  // A peak that a point stands for would press the line flat at this size.
  const known = mean.filter((v) => v !== null);
  if (known.length === 0 || to <= from) return "";
  const least = Math.min(...known);
  const most = Math.max(...known);
  // From nothing where that is near; the size of a shard is far from it.
  const low = least > most / 2 ? least - (most - least) * 0.2 - most * 0.002 : 0;
  const span = Math.max(most - low, 1e-9);
  const x = (at: number) => (Math.min(Math.max((at - from) / (to - from), 0), 1) * width).toFixed(1);
  const y = (v: number) => (height - 1 - ((v - low) / span) * (height - 2)).toFixed(1);
  const alone = new Set(lone(mean));
  let path = "";
  let open = false;
  mean.forEach((v, i) => {
    if (v === null) {
      open = false;
      return;
    }
    path += `${open ? "L" : "M"}${x(m.at[i] ?? from)} ${y(v)}`;
    if (alone.has(i)) path += "h1";
    open = true;
  });
  return path;
}

/** markWords says what was done. */
export function markWords(m: HistoryMark): string {
  const what = { move_started: "Move began", move_switched: "Move switched", assigned: "Assigned" }[m.kind] ?? m.kind;
  return `${what}: ${m.label || m.tenant}, ${m.source} → ${m.target}`;
}
