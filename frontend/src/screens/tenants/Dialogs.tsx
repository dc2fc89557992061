import { Modal } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { problemOf } from "../../app/problem";
import type { PlacementCheck, TenantRow } from "../../bridge";
import { type Column, DataTable } from "../../ui/DataTable";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Value } from "../../ui/Figure";
import { bytes, count, plural } from "../../ui/format";
import { Mark } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";
import { usePlacement } from "./queries";
import { sumOf } from "./selection";

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

function Outcome({ check }: { check: PlacementCheck }) {
  return (
    <div className="stack">
      <p className="row">
        <Mark tone={check.ok ? "ok" : "bad"} />
        <span>
          {check.ok
            ? `${plural(check.checked, "tenant")} checked: each one's rows are where its pointer says.`
            : `${plural(check.tenants.length, "tenant")} of ${count(check.checked)} disagree or could not be judged.`}
        </span>
      </p>
      {check.unreachable.length > 0 ? (
        <p className="tone-warn">Not looked at, because there was no answer: {check.unreachable.join(", ")}.</p>
      ) : null}
      {check.tenants.length > 0 ? (
        <DataTable
          label="Tenants that disagree"
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
            { key: "rows", head: "Rows on", cell: (t) => t.rows_on.join(", ") || "no shard" },
            { key: "why", head: "Why", cell: (t) => <span title={t.why}>{t.why}</span> },
          ]}
          rows={check.tenants}
          rowKey={(t) => t.id}
        />
      ) : null}
    </div>
  );
}

const preview: Column<TenantRow>[] = [
  { key: "label", head: "Tenant", cell: (t) => <span className="strong">{t.label || t.id}</span> },
  { key: "shard", head: "Shard", cell: (t) => <span className="badge">{t.shard || "—"}</span> },
  {
    key: "rows",
    head: "Rows ≈",
    right: true,
    cell: (t) => (
      <Value of={t.rows_estimate} reason={t.estimate_reason}>
        {count(t.rows_estimate ?? 0)}
      </Value>
    ),
  },
  {
    key: "size",
    head: "Size ≈",
    right: true,
    cell: (t) => (
      <Value of={t.bytes_estimate} reason={t.estimate_reason}>
        {bytes(t.bytes_estimate ?? 0)}
      </Value>
    ),
  },
  {
    key: "plan",
    head: "Next",
    right: true,
    cell: (t) =>
      t.move_id ? (
        <Link to="/moves/$id" params={{ id: t.move_id }}>
          Open its move
        </Link>
      ) : (
        <Link to="/moves/new" search={{ tenant: t.id, target: undefined }}>
          Plan…
        </Link>
      ),
  },
];

/** Chosen previews what moving several tenants means; a string is one that was never in sight. */
export function Chosen({ open, tenants, onClose }: { open: boolean; tenants: (TenantRow | string)[]; onClose: () => void }) {
  const known = tenants.filter((t): t is TenantRow => typeof t !== "string");
  const rows = sumOf(known.map((t) => t.rows_estimate));
  const size = sumOf(known.map((t) => t.bytes_estimate));
  const held = known.filter((t) => t.move_id).length;
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title={`Move ${plural(tenants.length, "tenant")}`}
      size={720}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="stack">
        <p>
          Together ≈ {count(rows.sum)} rows, ≈ {bytes(size.sum)}
          {rows.known < tenants.length ? `, of ${rows.known} of ${tenants.length} whose size is known` : ""}. Each tenant is planned,
          checked and moved on its own, so that each can go back on its own.
        </p>
        {held > 0 ? (
          <p className="row tone-warn">
            <Mark tone="warn" />
            {plural(held, "of them is", "of them are")} held by a move already.
          </p>
        ) : null}
        <DataTable label="Chosen tenants" columns={preview} rows={known} rowKey={(t) => t.id} maxHeight={420} />
      </div>
    </Modal>
  );
}
