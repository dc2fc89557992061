import type { ReactNode } from "react";
import type { Tone } from "./Status";

/** Value is a figure, or a dash with the reason why it is not known. */
export function Value({ of, reason, children }: { of: unknown; reason?: string; children: ReactNode }) {
  if (of === null || of === undefined)
    return (
      <span className="faint" title={reason || "not known"}>
        —<span className="hidden"> {reason || "not known"}</span>
      </span>
    );
  return <span className="num">{children}</span>;
}

/** Figure is one big number with its label and what there is to say about it. */
export function Figure({
  label,
  value,
  unit,
  detail,
  tone,
  reason,
}: {
  label: string;
  value: string | null | undefined;
  unit?: string;
  detail?: ReactNode;
  tone?: Tone;
  reason?: string;
}) {
  return (
    <div className="fig">
      <div className="l">{label}</div>
      <div className={`v num${tone ? ` tone-${tone}` : ""}`}>
        <Value of={value} reason={reason}>
          {value} {unit ? <small>{unit}</small> : null}
        </Value>
      </div>
      <div className="d" title={typeof detail === "string" ? detail : value === null || value === undefined ? reason : undefined}>
        {detail ?? (value === null || value === undefined ? reason : " ")}
      </div>
    </div>
  );
}

export function Figures({ children, label }: { children: ReactNode; label: string }) {
  return (
    <section className="panel figs" aria-label={label}>
      {children}
    </section>
  );
}
