import type { Tone } from "./Status";

/** Bar shows a share from 0 to 1. */
export function Bar({ share, tone, label }: { share: number; tone?: Tone; label: string }) {
  const p = Math.max(0, Math.min(1, share)) * 100;
  return (
    <span className="bar" role="img" aria-label={`${label}: ${p.toFixed(0)} %`}>
      <i className={tone ? `tone-${tone}` : undefined} style={{ width: `${p}%` }} />
    </span>
  );
}
