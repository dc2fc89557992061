import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { type Decision, type MoveRequest, toProblem } from "../bridge";
import { useStatus } from "./current";

/** Terms are where a tenant moves to, and how. */
export interface Terms {
  target: string;
  /** For how long writes may wait, as it was typed. */
  minutes: string;
  hold: boolean;
  alone: boolean;
}

export const usualTerms: Terms = { target: "", minutes: "5", hold: false, alone: false };

/** limitOf is for how many milliseconds writes may wait; null where no number was typed. */
export function limitOf(t: Terms): number | null {
  const ms = Number(t.minutes) * 60_000;
  return Number.isFinite(ms) && ms > 0 ? Math.round(ms) : null;
}

/** requestOf is a move as the program is asked for it. */
export function requestOf(tenant: string, t: Terms, decisions: Decision[] = []): MoveRequest {
  return {
    tenant,
    target: t.target,
    mode: "fenced",
    max_read_only_ms: limitOf(t) ?? 0,
    hold: t.hold,
    priority: 0,
    at: "",
    note: "",
    confirm: "",
    accept_alone: t.alone,
    decisions,
  };
}

/** MoveTerms asks where to and how; what is beside it goes on from there. */
export function MoveTerms({
  value,
  from,
  disabled = false,
  onChange,
  children,
}: {
  value: Terms;
  /** The shard that is no target. */
  from?: string;
  disabled?: boolean;
  onChange: (next: Terms) => void;
  children: ReactNode;
}) {
  const status = useStatus();
  const shards = (status.data?.shards ?? []).filter((s) => s.name !== from);
  const field = useRef<HTMLSelectElement>(null);
  // Whoever has just chosen the tenant goes on here.
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement === null) field.current?.focus();
  }, []);
  return (
    <div>
      <div className="row wrap" style={{ gap: 16, alignItems: "flex-end" }}>
        <NativeSelect
          label="Target shard"
          w={240}
          ref={field}
          disabled={disabled}
          value={value.target}
          error={status.error ? toProblem(status.error).message : undefined}
          data={[
            { value: "", label: "Choose a shard" },
            ...shards.map((s) => ({
              value: s.name,
              label: `${s.name}${s.configured ? (s.reachable ? "" : " (no answer)") : " (not configured)"}`,
              disabled: !s.configured,
            })),
          ]}
          onChange={(e) => onChange({ ...value, target: e.currentTarget.value })}
        />
        <TextInput
          label="Writes wait for at most (minutes)"
          inputMode="decimal"
          w={210}
          disabled={disabled}
          value={value.minutes}
          error={limitOf(value) === null ? "a number of minutes above 0" : undefined}
          onChange={(e) => onChange({ ...value, minutes: e.currentTarget.value })}
        />
      </div>
      <div className="row wrap" style={{ gap: 20, marginTop: 12 }}>
        <Checkbox
          label="Stop before writes wait, and ask me"
          disabled={disabled}
          checked={value.hold}
          onChange={(e) => onChange({ ...value, hold: e.currentTarget.checked })}
        />
        <Checkbox
          label="Go on without a second worker that could take over"
          disabled={disabled}
          checked={value.alone}
          onChange={(e) => onChange({ ...value, alone: e.currentTarget.checked })}
        />
        {children}
      </div>
    </div>
  );
}
