/** A sample is how many rows were copied at a moment of this computer's clock. */
export interface Sample {
  at: number;
  rows: number;
}

/** How long a rate looks back, and how long the chart does. */
const span = 5000;
export const kept = 120_000;

/** noted adds what was seen now; what is older than the chart goes. A smaller number begins anew. */
export function noted(samples: readonly Sample[], now: Sample): readonly Sample[] {
  const last = samples[samples.length - 1];
  if (last && now.rows < last.rows) return [now];
  if (last && now.at - last.at < 100) return samples;
  return [...samples.filter((s) => now.at - s.at <= kept), now];
}

/** rateOf is rows a second over the last five seconds, null where too little was seen to say. */
export function rateOf(samples: readonly Sample[]): number | null {
  const last = samples[samples.length - 1];
  if (!last) return null;
  const first = samples.find((s) => last.at - s.at <= span);
  if (!first || last.at - first.at < 500) return null;
  return Math.round(((last.rows - first.rows) * 1000) / (last.at - first.at));
}

/** points are the rate between each two samples, for the chart. */
export function points(samples: readonly Sample[]): { at: number; rate: number }[] {
  const out: { at: number; rate: number }[] = [];
  for (let i = 1; i < samples.length; i++) {
    const a = samples[i - 1];
    const b = samples[i];
    if (a && b) out.push({ at: b.at, rate: ((b.rows - a.rows) * 1000) / (b.at - a.at) });
  }
  return out;
}

/**
 * leftOf is how many milliseconds the remaining rows take, as a range between
 * the fastest and the slowest of the last seconds; null while that is a guess.
 */
export function leftOf(samples: readonly Sample[], remaining: number): { from: number; to: number } | null {
  const last = samples[samples.length - 1];
  const mean = rateOf(samples);
  if (!last || mean === null || mean <= 0) return null;
  const recent = points(samples.filter((s) => last.at - s.at <= span * 2))
    .map((p) => p.rate)
    .filter((r) => r > 0)
    .sort((a, b) => a - b);
  const slow = recent[Math.floor(recent.length / 4)] ?? mean;
  const fast = recent[Math.floor((recent.length * 3) / 4)] ?? mean;
  return { from: (remaining * 1000) / Math.max(fast, mean), to: (remaining * 1000) / Math.min(slow, mean) };
}

/** rounded is a step of a scale that people read: 1, 2 or 5 times a power of ten, not below n. */
export function rounded(n: number): number {
  if (n <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 2, 5, 10]) if (step * power >= n) return step * power;
  return 10 * power;
}
