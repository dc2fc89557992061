import type { TenantRow } from "../bridge";
import { Value } from "../ui/Figure";
import { bytes, count } from "../ui/format";

interface Props {
  of: Pick<TenantRow, "rows_estimate" | "bytes_estimate" | "estimate_reason">;
  /** Says so beside the figure, where the head of its column does not. */
  about?: boolean;
}

/** RowsEstimate is how many rows a tenant has as the planner has it, or why that is not known. */
export function RowsEstimate({ of: t, about = false }: Props) {
  return (
    <Value of={t.rows_estimate} reason={t.estimate_reason}>
      <span title={t.estimate_reason || "from the planner's statistics"}>
        {about ? "≈ " : ""}
        {count(t.rows_estimate ?? 0)}
      </span>
    </Value>
  );
}

/** SizeEstimate is how much room a tenant's rows take as the planner has it, or why that is not known. */
export function SizeEstimate({ of: t, about = false }: Props) {
  return (
    <Value of={t.bytes_estimate} reason={t.estimate_reason}>
      <span title={t.estimate_reason || "from the planner's statistics, without indexes"}>
        {about ? "≈ " : ""}
        {bytes(t.bytes_estimate ?? 0)}
      </span>
    </Value>
  );
}
