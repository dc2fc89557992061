const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(n: number): string {
  return whole.format(n);
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** size splits a number of bytes into a figure and its unit. */
export function size(bytes: number): { value: string; unit: string } {
  let v = bytes;
  let i = 0;
  while (v >= 1000 && i < units.length - 1) {
    v /= 1000;
    i++;
  }
  return { value: i === 0 || v >= 100 ? whole.format(v) : v.toFixed(1), unit: units[i] ?? "B" };
}

export function bytes(n: number): string {
  const s = size(n);
  return `${s.value} ${s.unit}`;
}

/** millis says a duration as people do: 14 ms, 1.4 s, 5 min. */
export function millis(ms: number): string {
  if (ms < 0.05 && ms > 0) return "< 0.1 ms";
  if (ms < 10 && ms > 0) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const two = (big: number, of: string, small: number, as: string) => (small === 0 ? `${big} ${of}` : `${big} ${of} ${small} ${as}`);
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return two(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

export function percent(share: number): string {
  const p = share * 100;
  return `${p >= 99.95 || p === 0 ? p.toFixed(0) : p.toFixed(1)} %`;
}

/** age says how long ago something was. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 2) return "now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  const d = Math.floor(s / 86_400);
  return d === 1 ? "yesterday" : `${d} days ago`;
}

/** ofPlan says how much of a plan is done; more may have come since it was made. */
export function ofPlan(done: number, planned: number, one: string): string {
  return done > planned ? `${plural(done, one)} (${count(planned)} planned)` : `${count(done)} of ${plural(planned, one)}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
