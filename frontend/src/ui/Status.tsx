import type { ReactNode } from "react";

export type Tone = "ok" | "warn" | "bad" | "run" | "off" | "info";

const sign = { fill: "none", stroke: "var(--surface)", strokeWidth: 1.6, strokeLinecap: "round", strokeLinejoin: "round" } as const;

const signs: Record<Tone, ReactNode> = {
  run: <circle cx="7" cy="7" r="5.6" fill="none" stroke="currentColor" strokeWidth="1.8" strokeDasharray="25 10" strokeLinecap="round" />,
  off: (
    <>
      <circle cx="7" cy="7" r="6" fill="none" stroke="currentColor" strokeWidth="1.3" />
      <path d="M4.5 7h5" fill="none" stroke="currentColor" strokeWidth="1.3" />
    </>
  ),
  ok: (
    <>
      <circle cx="7" cy="7" r="7" fill="currentColor" />
      <path d="M4.2 7.2l2 2 3.6-4" {...sign} />
    </>
  ),
  bad: (
    <>
      <circle cx="7" cy="7" r="7" fill="currentColor" />
      <path d="M4.8 4.8l4.4 4.4M9.2 4.8 4.8 9.2" {...sign} />
    </>
  ),
  warn: (
    <>
      <path d="M7 .8 13.8 13H.2z" fill="currentColor" />
      <path d="M7 5v3.6M7 10.8v.01" {...sign} />
    </>
  ),
  info: (
    <>
      <circle cx="7" cy="7" r="7" fill="currentColor" />
      <path d="M7 6.4v4M7 3.8v.01" {...sign} />
    </>
  ),
};

/** Mark is the sign of a status: a shape of its own besides its colour. */
export function Mark({ tone, size = 14 }: { tone: Tone; size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 14 14" className={`tone-${tone}${tone === "run" ? " spin" : ""}`}>
      {signs[tone]}
    </svg>
  );
}

/** Status is icon, word and colour, the same everywhere. */
export function Status({ tone, children, title }: { tone: Tone; children: string; title?: string }) {
  return (
    <span className={`st tone-${tone}`} title={title}>
      <Mark tone={tone} />
      {children}
    </span>
  );
}

const shard: Record<string, [Tone, string]> = {
  healthy: ["ok", "Healthy"],
  slow: ["warn", "Slow"],
  degraded: ["warn", "Degraded"],
  unreachable: ["bad", "No answer"],
  not_configured: ["off", "Not configured"],
};

export function shardStatus(status: string): [Tone, string] {
  return shard[status] ?? ["info", status];
}

const checks: Record<string, Tone> = { ok: "ok", warning: "warn", blocker: "bad" };

/** checkTone is the tone of a check of a plan. */
export function checkTone(status: string): Tone {
  return checks[status] ?? "info";
}

const move: Record<string, [Tone, string]> = {
  planned: ["run", "Planned"],
  copying: ["run", "Copying"],
  catching_up: ["run", "Catching up"],
  ready: ["run", "Ready"],
  switching: ["run", "Switching"],
  switched: ["run", "Switched"],
  retained: ["ok", "Moved, source kept"],
  finalizing: ["run", "Finishing"],
  finalized: ["ok", "Finished"],
  cancelled: ["off", "Cancelled"],
  failed: ["bad", "Failed"],
  rolling_back: ["run", "Moving back"],
  rolled_back: ["off", "Moved back"],
};

/** moveStatus words a move's state; a held or stopped move waits for a person. */
export function moveStatus(m: { state: string; held: boolean; settled: boolean; error?: unknown; stands_still?: boolean }): [Tone, string] {
  if (m.state === "ready" && m.held) return ["warn", "Waits for the switch"];
  if (m.stands_still) return ["warn", "Stands still"];
  if (m.error && m.settled && m.state !== "failed") return ["bad", "Stopped"];
  return move[m.state] ?? ["info", m.state];
}
