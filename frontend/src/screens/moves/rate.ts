/** A sample is how many rows were copied at a moment of this computer's clock. */
export interface Sample {
  at: number;
  rows: number;
}

/** How long the chart looks back. */
export const kept = 120_000;

/** noted adds what was seen now; what is older than the chart goes. A smaller number begins anew. */
export function noted(samples: readonly Sample[], now: Sample): readonly Sample[] {
  const last = samples[samples.length - 1];
  if (last && now.rows < last.rows) return [now];
  if (last && now.at - last.at < 100) return samples;
  return [...samples.filter((s) => now.at - s.at <= kept), now];
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

/** rounded is a step of a scale that people read: 1, 2 or 5 times a power of ten, not below n. */
export function rounded(n: number): number {
  if (n <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 2, 5, 10]) if (step * power >= n) return step * power;
  return 10 * power;
}
