import { RowsEstimate, SizeEstimate } from "../../app/Estimates";
import { RowLink } from "../../app/RowLink";
import { stateOf } from "../../app/tenantState";
import type { TenantRow } from "../../bridge";
import { Age } from "../../ui/Age";
import { absolute } from "../../ui/clock";
import type { Column } from "../../ui/DataTable";
import { Value } from "../../ui/Figure";
import { moveStatus, Status } from "../../ui/Status";

export interface TenantColumn extends Column<TenantRow> {
  /** What an export calls it, in the program's words. */
  exports: string[];
  shown: boolean;
}

function day(at: string | null | undefined) {
  if (!at) return <span className="faint">—</span>;
  return (
    <time dateTime={at} title={absolute(at, true)} className="num muted">
      {at.slice(0, 10)}
    </time>
  );
}

/** columnsOf are all columns that the list can show. */
export function columnsOf({
  fields,
  chosen,
  onPick,
  changedReason,
}: {
  fields: readonly string[];
  chosen: ReadonlySet<string>;
  onPick: (row: TenantRow, range: boolean) => void;
  changedReason: string;
}): TenantColumn[] {
  return [
    {
      key: "label",
      head: "Subdomain",
      sorts: true,
      width: 176,
      shown: true,
      exports: ["label"],
      cell: (t) => (
        <span className="row picked">
          <input
            type="checkbox"
            className="pick"
            aria-label={`Select ${t.label || t.id}`}
            checked={chosen.has(t.id)}
            onChange={(e) => onPick(t, e.nativeEvent instanceof MouseEvent && e.nativeEvent.shiftKey)}
          />
          <RowLink to={`/tenants/${encodeURIComponent(t.id)}`} className="strong cut own" title={t.label || t.id}>
            {t.label || t.id}
          </RowLink>
        </span>
      ),
    },
    {
      key: "id",
      head: "Id",
      right: true,
      width: 76,
      sorts: true,
      shown: true,
      exports: ["id"],
      cell: (t) => (
        <span className="faint" title={t.id}>
          {t.id}
        </span>
      ),
    },
    {
      key: "title",
      head: "Company",
      sorts: true,
      width: 176,
      shown: true,
      exports: ["title"],
      cell: (t) => (
        <span className="muted" title={t.title}>
          {t.title || "—"}
        </span>
      ),
    },
    {
      key: "shard",
      head: "Shard",
      sorts: true,
      width: 100,
      shown: true,
      exports: ["shard"],
      cell: (t) =>
        t.shard ? (
          <span className="badge">{t.shard}</span>
        ) : (
          <Value of={null} reason="its pointer is empty">
            {null}
          </Value>
        ),
    },
    {
      key: "status",
      head: "Status",
      width: 168,
      sorts: true,
      shown: true,
      exports: ["status", "move"],
      cell: (t) => {
        if (t.move_state && t.move_id) {
          const [tone, word] = moveStatus({ state: t.move_state, held: false, settled: t.move_state === "failed" });
          return (
            <RowLink to={`/moves/${encodeURIComponent(t.move_id)}`} title={`Its move; the application says ${t.status || "nothing"}`}>
              <Status tone={tone}>{word}</Status>
            </RowLink>
          );
        }
        const [tone, word] = stateOf(t.status);
        if (t.move_reason) {
          return (
            <span title={`Whether a move holds it is not known: ${t.move_reason}`}>
              <Status tone={tone}>{word}</Status> <span className="faint">move?</span>
            </span>
          );
        }
        return <Status tone={tone}>{word}</Status>;
      },
    },
    {
      key: "size",
      head: "Size ≈",
      right: true,
      width: 84,
      sorts: true,
      shown: true,
      exports: ["size"],
      cell: (t) => <SizeEstimate of={t} />,
    },
    {
      key: "rows",
      head: "Rows ≈",
      right: true,
      width: 88,
      sorts: true,
      shown: true,
      exports: ["rows"],
      cell: (t) => <RowsEstimate of={t} />,
    },
    {
      key: "demo",
      head: "Demo",
      width: 66,
      sorts: true,
      shown: true,
      exports: ["demo"],
      cell: (t) =>
        t.demo ? (
          <span className="tag">demo</span>
        ) : t.demo === false ? (
          <span className="faint">no</span>
        ) : (
          <Value of={null} reason="the profile names no column for it">
            {null}
          </Value>
        ),
    },
    ...fields.map(
      (f): TenantColumn => ({
        key: `field.${f}`,
        head: f.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase()),
        width: 150,
        // What a tenant pays for is looked for first; the profile's other fields are there when asked for.
        shown: /(^|_)(plan|tier)$/.test(f),
        exports: [`field.${f}`],
        cell: (t) => <span className="muted">{t.fields?.[f] ?? "—"}</span>,
      }),
    ),
    { key: "created", head: "Created", width: 104, sorts: true, shown: true, exports: ["created"], cell: (t) => day(t.created_at) },
    {
      key: "changed",
      head: "Last change",
      width: 104,
      sorts: true,
      shown: true,
      exports: ["changed"],
      cell: (t) =>
        t.changed_at ? (
          <Age at={t.changed_at} className="num muted" />
        ) : changedReason ? (
          <Value of={null} reason={changedReason}>
            {null}
          </Value>
        ) : (
          <span className="faint" title="never assigned or moved with this program">
            never
          </span>
        ),
    },
  ];
}

/** chosenColumns are those that the address names, else the usual ones; the first is always there. */
export function chosenColumns(all: readonly TenantColumn[], text: string | undefined): TenantColumn[] {
  const names = text?.split(",");
  return all.filter((c, i) => i === 0 || (names ? names.includes(c.key) : c.shown));
}
