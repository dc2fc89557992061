import { Button, Checkbox, Modal, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useEnvironment, useStatus } from "../../app/current";
import { problemOf } from "../../app/problem";
import { type AssignedMany, type AssignedOne, type AssignWhere, api, keys } from "../../bridge";
import { Confirm } from "../../ui/Confirm";
import { type Column, DataTable } from "../../ui/DataTable";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { plural } from "../../ui/format";
import { Mark, Status, type Tone } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";

const words: Record<string, [Tone, string]> = {
  assigned: ["ok", "Assigned"],
  would_assign: ["ok", "Would be assigned"],
  already_there: ["off", "There already"],
  refused: ["bad", "Refused"],
  not_tried: ["warn", "Not tried"],
};

const columns: Column<AssignedOne>[] = [
  {
    key: "tenant",
    head: "Tenant",
    cell: (t) => (
      <Link to="/tenants/$id" params={{ id: t.tenant }} search={{ assign: undefined, sort: undefined }}>
        {t.label || t.tenant}
      </Link>
    ),
  },
  { key: "from", head: "Shard", cell: (t) => <span className="badge">{t.from}</span> },
  {
    key: "status",
    head: "Assignment",
    width: 170,
    cell: (t) => {
      const [tone, word] = words[t.status] ?? ["off", t.status];
      return <Status tone={tone}>{word}</Status>;
    },
  },
  {
    key: "why",
    head: "Why",
    cell: (t) => <span title={[t.problem?.message, t.problem?.hint].filter(Boolean).join("; ")}>{t.problem?.message ?? ""}</span>,
  },
];

/** said is what a selection means, in words. */
function said(w: AssignWhere): string {
  const parts = [
    w.tenants.length > 0 ? `the ${plural(w.tenants.length, "tenant")} chosen` : "tenants",
    w.shard ? `on ${w.shard}` : "",
    w.demo ? (w.demo === "yes" ? "that are demos" : "that are no demos") : "",
    w.subdomain ? `called ${w.subdomain}` : "",
  ];
  return parts.filter((p) => p !== "").join(" ");
}

/** counted is a preview in a sentence. */
function counted(v: AssignedMany): string {
  const there = v.tenants.filter((t) => t.status === "already_there").length;
  const parts = [
    `${plural(v.assigned, "tenant")} of ${v.tenants.length} would be assigned to ${v.to}`,
    v.refused > 0 ? `${v.refused} would be refused` : "",
    there > 0 ? `${there} there already` : "",
  ];
  return `${parts.filter((p) => p !== "").join(", ")}.`;
}

/** AssignDialog points many tenants to a shard without moving rows: those chosen, or those that a rule takes, with what would become of each beside it. */
export function AssignDialog({ chosen, onClose }: { chosen: string[]; onClose: () => void }) {
  const client = useQueryClient();
  const environment = useEnvironment();
  const status = useStatus();
  const policy = useQuery({ queryKey: keys.policy, queryFn: () => api.policy() });
  const [where, setWhere] = useState<AssignWhere>({ shard: "", demo: "", subdomain: "", tenants: chosen });
  const [typed, setTyped] = useState("");
  const [shard, setShard] = useState("");
  const [rowsStay, setRowsStay] = useState(false);
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    const t = setTimeout(() => setWhere((w) => ({ ...w, subdomain: typed.trim() })), 300);
    return () => clearTimeout(t);
  }, [typed]);
  const some = where.tenants.length > 0 || where.shard !== "" || where.demo !== "" || where.subdomain !== "";
  const request = { where, shard, rows_stay: rowsStay, dry_run: true, note: "", confirm: "" };
  const preview = useQuery({
    queryKey: ["assign", request],
    queryFn: () => api.wouldAssign(request),
    enabled: some && shard !== "",
    retry: false,
  });
  const assign = useMutation({
    mutationFn: (a: { note: string; confirm: string }) => api.assignMany({ ...request, dry_run: false, ...a }),
    onSettled: () => void client.invalidateQueries({ queryKey: keys.fleet }),
  });
  const flag = policy.data?.flags.find((f) => f.flag === "SHARD_BULK_OPS_ENABLED");
  const shards = status.data?.shards ?? [];
  const ready = preview.data && !preview.isFetching && where.subdomain === typed.trim() ? preview.data : undefined;
  const done = assign.data;
  const problem = problemOf(preview);

  if (asking)
    return (
      <Confirm
        open
        title={`Assign ${plural(ready?.assigned ?? 0, "tenant")} to ${shard}`}
        environment={environment}
        name={shard}
        nameIs="target shard"
        button={`Assign ${plural(ready?.assigned ?? 0, "tenant")}`}
        danger={rowsStay}
        busy={assign.isPending}
        problem={problemOf(assign)}
        onClose={() => {
          assign.reset();
          setAsking(false);
        }}
        onConfirm={(a) => assign.mutate(a, { onSuccess: () => setAsking(false) })}
      >
        <p>
          The application looks for {said(where)} on <b>{shard}</b> from then on. No rows move
          {rowsStay ? ", and those that stay behind are not found" : ""}. Each has its own event in the audit trail; one that is refused
          stops no other.
        </p>
        {ready && ready.refused > 0 ? <p className="muted">{plural(ready.refused, "tenant")} would be refused and stay.</p> : null}
      </Confirm>
    );

  return (
    <Modal
      opened
      onClose={onClose}
      title="Assign many tenants"
      size={860}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="stack">
        <p className="muted">
          This changes where the application looks for tenants. It moves no rows: one that has rows is refused, and is moved instead.
        </p>
        {flag && !flag.on ? (
          <div className="notice warn">
            <Mark tone="warn" />
            <span>
              Changing many tenants at once is off {flag.where}: <span className="mono">{flag.remedy}</span>. What would become of them can
              be seen.
            </span>
          </div>
        ) : null}
        {done ? null : (
          <>
            <div className="row wrap" style={{ gap: 16, alignItems: "flex-end" }}>
              {chosen.length > 0 ? (
                <Checkbox
                  label={`Only the ${plural(chosen.length, "tenant")} chosen`}
                  checked={where.tenants.length > 0}
                  onChange={(e) => setWhere({ ...where, tenants: e.currentTarget.checked ? chosen : [] })}
                />
              ) : null}
              <NativeSelect
                label="On the shard"
                value={where.shard}
                data={[{ value: "", label: "Any shard" }, ...shards.map((s) => s.name)]}
                onChange={(e) => setWhere({ ...where, shard: e.currentTarget.value })}
              />
              <NativeSelect
                label="Demo"
                value={where.demo}
                data={[
                  { value: "", label: "Demos or not" },
                  { value: "yes", label: "Demos" },
                  { value: "no", label: "No demos" },
                ]}
                onChange={(e) => setWhere({ ...where, demo: e.currentTarget.value })}
              />
              <TextInput
                label="Subdomain"
                placeholder="trial-*"
                spellCheck={false}
                value={typed}
                onChange={(e) => setTyped(e.currentTarget.value)}
              />
            </div>
            <div className="row wrap" style={{ gap: 16, alignItems: "flex-end" }}>
              <NativeSelect
                label="Target shard"
                w={240}
                value={shard}
                data={[
                  { value: "", label: "Choose a shard" },
                  ...shards.map((s) => ({
                    value: s.name,
                    label: s.configured ? (s.reachable ? s.name : `${s.name}, does not answer`) : `${s.name}, not configured`,
                    disabled: !s.configured || !s.reachable,
                  })),
                ]}
                onChange={(e) => setShard(e.currentTarget.value)}
              />
              <Checkbox
                label="Rows may stay behind; I know that the application will not find them"
                checked={rowsStay}
                onChange={(e) => setRowsStay(e.currentTarget.checked)}
              />
            </div>
          </>
        )}
        {problem ? (
          <ErrorPanel what="What would become of them is not known" problem={problem} onRetry={() => void preview.refetch()} />
        ) : null}
        <p role="status" className="medium">
          {done
            ? `${plural(done.assigned, "tenant")} assigned to ${done.to}${done.refused > 0 ? `, ${done.refused} refused` : ""}.`
            : !some
              ? "Say which tenants: choose some in the list, or a shard, demos or a subdomain here."
              : shard === ""
                ? `Say where ${said(where)} are to be found.`
                : ready
                  ? ready.tenants.length === 0
                    ? "No tenant is meant by that."
                    : counted(ready)
                  : ""}
        </p>
        {!done && !ready && !problem && some && shard !== "" ? (
          <Waiting what="what would become of each; every shard is looked at" />
        ) : null}
        {done?.ended ? <ErrorPanel what="It ended before the last of them" problem={done.ended} /> : null}
        {(done ?? ready)?.tenants.length ? (
          <DataTable
            label={done ? "What became of them" : "What would become of them"}
            columns={columns}
            rows={(done ?? ready)?.tenants ?? []}
            rowKey={(t) => t.tenant}
            compact
            maxHeight={260}
          />
        ) : null}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          {done ? null : (
            <Button disabled={!ready || ready.assigned === 0 || !flag?.on} onClick={() => setAsking(true)}>
              {ready && ready.assigned > 0 ? `Assign ${plural(ready.assigned, "tenant")}…` : "Assign…"}
            </Button>
          )}
        </div>
      </div>
    </Modal>
  );
}
