import { Checkbox, NativeSelect, Radio, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { type Decision, type MoveRequest, toProblem } from "../bridge";
import { useStatus } from "./current";

/** Terms are where a tenant moves to, and how. */
export interface Terms {
  target: string;
  /** "" is online where its tables allow that. */
  mode: "" | "fenced";
  /** For how many seconds writes may wait, as it was typed; "" is what is usual for the mode. */
  seconds: string;
  hold: boolean;
  /** Makes no way for others while rows are copied and compared. */
  full: boolean;
  alone: boolean;
}

export const usualTerms: Terms = { target: "", mode: "", seconds: "", hold: false, full: false, alone: false };

/** limitOf is for how many milliseconds writes may wait, 0 for what is usual; null where something else was typed. */
export function limitOf(t: Terms): number | null {
  if (t.seconds.trim() === "") return 0;
  const ms = Math.round(Number(t.seconds) * 1000);
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

/** requestOf is a move as the program is asked for it. */
export function requestOf(tenant: string, t: Terms, decisions: Decision[] = []): MoveRequest {
  return {
    tenant,
    target: t.target,
    mode: t.mode,
    max_read_only_ms: limitOf(t) ?? 0,
    hold: t.hold,
    full_speed: t.full,
    priority: 0,
    at: "",
    note: "",
    confirm: "",
    bulk: false,
    accept_alone: t.alone,
    decisions,
  };
}

const stopsOnline = "Stops when the target follows; the tenant writes on until you switch.";
const stopsFenced = "before its writes are stopped and rows are copied.";

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
    <div className="stack">
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
          label="Writes wait for at most (seconds)"
          inputMode="decimal"
          w={230}
          disabled={disabled}
          placeholder={value.mode === "fenced" ? "usually 300" : "usually 10 online, 300 fenced"}
          value={value.seconds}
          error={limitOf(value) === null ? "a number of seconds above 0, or nothing" : undefined}
          onChange={(e) => onChange({ ...value, seconds: e.currentTarget.value })}
        />
      </div>
      <Radio.Group
        label="How"
        value={value.mode || "online"}
        onChange={(mode) => onChange({ ...value, mode: mode === "fenced" ? "fenced" : "" })}
      >
        <div className="two-ways">
          <Radio
            value="online"
            label="Online where possible"
            description="The tenant writes while its rows are copied; its writes wait only for the switch, about a moment."
            disabled={disabled}
          />
          <Radio
            value="fenced"
            label="Fenced"
            description="Its writes wait while every row is copied and compared; reads go on. The shortest way in all."
            disabled={disabled}
          />
        </div>
      </Radio.Group>
      <div className="row wrap" style={{ gap: 20, alignItems: "flex-start" }}>
        <Checkbox
          label="Stop before writes wait, and ask me"
          description={value.mode === "fenced" ? `Stops ${stopsFenced}` : `${stopsOnline} Where fenced: ${stopsFenced}`}
          maw={320}
          disabled={disabled}
          checked={value.hold}
          onChange={(e) => onChange({ ...value, hold: e.currentTarget.checked })}
        />
        {value.mode === "" && (
          <Checkbox
            label="Copy at full speed"
            description="Otherwise the copy makes way for others who are at work on the shards."
            maw={320}
            disabled={disabled}
            checked={value.full}
            onChange={(e) => onChange({ ...value, full: e.currentTarget.checked })}
          />
        )}
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
