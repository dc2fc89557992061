import { Modal } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { problemOf } from "../../app/problem";
import type { PlacementCheck } from "../../bridge";
import { DataTable } from "../../ui/DataTable";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { count, plural } from "../../ui/format";
import { Mark } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";
import { usePlacement } from "./queries";

/** PlacementDialog compares every pointer with where the rows are. */
export function PlacementDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const placement = usePlacement();
  const { mutate, reset } = placement;
  useEffect(() => {
    if (open) mutate();
    else reset();
  }, [open, mutate, reset]);
  const problem = problemOf(placement);
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title="Are all rows where the pointers say?"
      size={720}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      {placement.isPending ? <Waiting what="every shard's rows; this looks at each table" onCancel={onClose} /> : null}
      {problem ? <ErrorPanel what="The placement could not be checked" problem={problem} onRetry={() => mutate()} /> : null}
      {placement.data && !placement.isPending ? <Outcome check={placement.data} /> : null}
    </Modal>
  );
}

/** outcome is the check in a sentence and how it is marked. */
function outcome(check: PlacementCheck): { tone: "ok" | "warn" | "bad"; text: string } {
  if (check.ok) return { tone: "ok", text: `${plural(check.checked, "tenant")} checked: each one's rows are where its pointer says.` };
  const unknown = check.tenants.length - check.disagree;
  const parts = [
    check.disagree > 0
      ? `Not where the pointer says: rows of ${plural(check.disagree, "tenant")} of ${count(check.checked)}.`
      : "No pointer was seen to be wrong.",
    unknown > 0 ? `Of ${plural(unknown, "tenant")} it is not known.` : "",
    check.unreachable.length > 0 ? "Not every shard was looked at." : "",
  ];
  return { tone: check.disagree > 0 ? "bad" : "warn", text: parts.filter((p) => p !== "").join(" ") };
}

function Outcome({ check }: { check: PlacementCheck }) {
  const { tone, text } = outcome(check);
  return (
    <div className="stack">
      <p className="row">
        <Mark tone={tone} />
        <span>{text}</span>
      </p>
      {check.unreachable.length > 0 ? (
        <p className="tone-warn">Not looked at, because there was no answer: {check.unreachable.join(", ")}.</p>
      ) : null}
      {check.tenants.length > 0 ? (
        <DataTable
          label="Tenants that disagree or could not be judged"
          maxHeight={380}
          columns={[
            {
              key: "label",
              head: "Tenant",
              cell: (t) => (
                <Link to="/tenants/$id" params={{ id: t.id }} search={{ assign: undefined, sort: undefined }}>
                  {t.label || t.id}
                </Link>
              ),
            },
            { key: "pointer", head: "Pointer", cell: (t) => <span className="badge">{t.pointer}</span> },
            { key: "rows", head: "Rows on", cell: (t) => t.rows_on.join(", ") || (t.rows_on_reason ? "not known" : "no shard") },
            { key: "why", head: "Why", cell: (t) => <span title={t.why}>{t.why}</span> },
          ]}
          rows={check.tenants}
          rowKey={(t) => t.id}
        />
      ) : null}
    </div>
  );
}
