import { Button, Checkbox, Modal, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useInfo, useStatus } from "../../app/current";
import { problemOf } from "../../app/problem";
import { type AuditFilter, api, type EventList, keys, type ReportRequest } from "../../bridge";
import { Age } from "../../ui/Age";
import { Code } from "../../ui/Copy";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { count } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Mark } from "../../ui/Status";
import { formats, missing, provable } from "./report";
import { Schedules } from "./Schedules";

const fewest = "720h";

/** ReportBuilder composes a report, shows its first page and saves it; of this computer's copy while that is what is listed. */
export function ReportBuilder({ filter, copied, onClose }: { filter: AuditFilter; copied: EventList | undefined; onClose: () => void }) {
  const info = useInfo();
  const shards = useStatus().data?.shards ?? [];
  const kinds = useQuery({ queryKey: keys.reportKinds, queryFn: () => api.reportKinds(), staleTime: Number.POSITIVE_INFINITY });
  const [kind, setKind] = useState("events");
  const [format, setFormat] = useState("pdf");
  const [own, setOwn] = useState<AuditFilter>({ ...filter, before: 0, limit: 0, since: filter.since || fewest });
  const [zone, setZone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  const [raw, setRaw] = useState(false);
  const [proof, setProof] = useState(false);
  const [note, setNote] = useState("");
  const [asked, setShown] = useState<ReportRequest | null>(null);
  const set = (next: Partial<AuditFilter>) => setOwn((f) => ({ ...f, ...next }));
  // A kind selects events itself; what the list was narrowed to besides stays out of it.
  const about: AuditFilter = kind === "events" ? own : { ...own, action: "", search: "", id: "", status: "" };
  const request: ReportRequest = {
    kind,
    format,
    filter: about,
    zone,
    raw_cells: raw && format === "csv",
    proof: proof && provable(kind, format),
    mirror: copied !== undefined,
    note,
  };
  // A preview of something else than what would be written is none; why it is written may still change.
  const shown = asked !== null && JSON.stringify({ ...asked, note }) === JSON.stringify(request) ? asked : null;
  const needs = kinds.data?.find((k) => k.kind === kind)?.needs ?? "";
  const lacks = missing(needs, about);
  const preview = useQuery({
    queryKey: keys.preview(shown ?? request),
    queryFn: () => api.previewReport(shown ?? request),
    enabled: shown !== null,
  });
  const save = useMutation({ mutationFn: () => api.exportAudit(request) });
  const folder = useMutation({ mutationFn: (file: string) => api.showFolder(file) });
  const saveProblem = problemOf(save);
  const folderProblem = problemOf(folder);
  const holds = kinds.data?.find((k) => k.kind === kind)?.holds ?? "the events that the filter selects";
  return (
    <Modal
      opened
      onClose={onClose}
      title="Report"
      size={1080}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      {copied ? (
        <div className="notice" role="status">
          <Mark tone="warn" />
          <span>
            The control database does not answer. The report is made of this computer's copy of the trail, up to event{" "}
            {count(copied.copy_to ?? 0)}, brought up to date <Age at={copied.copy_at} />, and says so. That it was made is recorded when the
            database answers again.
          </span>
        </div>
      ) : null}
      <div className="builder">
        <div className="stack">
          <NativeSelect
            label="Report"
            description={holds}
            value={kind}
            data={[
              { value: "events", label: "Events of the filter" },
              ...(kinds.data ?? []).filter((k) => !copied || k.kind !== "moves").map((k) => ({ value: k.kind, label: k.title })),
            ]}
            onChange={(e) => setKind(e.currentTarget.value)}
          />
          <div className="pair">
            <TextInput
              label="From"
              description="Date, or age as 24h"
              value={own.since}
              onChange={(e) => set({ since: e.currentTarget.value })}
            />
            <TextInput label="Until" description="Empty: now" value={own.until} onChange={(e) => set({ until: e.currentTarget.value })} />
          </div>
          <div className="pair">
            <TextInput
              label="Tenant"
              required={needs === "tenant"}
              value={own.tenant}
              onChange={(e) => set({ tenant: e.currentTarget.value })}
            />
            <TextInput label="Who" required={needs === "actor"} value={own.actor} onChange={(e) => set({ actor: e.currentTarget.value })} />
          </div>
          <div className="pair">
            <NativeSelect
              label="Shard"
              value={own.shard}
              data={[{ value: "", label: "Any" }, ...shards.map((s) => s.name)]}
              onChange={(e) => set({ shard: e.currentTarget.value })}
            />
            <TextInput label="Time zone" value={zone} onChange={(e) => setZone(e.currentTarget.value)} />
          </div>
          <NativeSelect label="Format" value={format} data={formats(kind)} onChange={(e) => setFormat(e.currentTarget.value)} />
          {format === "csv" ? (
            <Checkbox
              label="Leave cells that a spreadsheet would run as they are"
              checked={raw}
              onChange={(e) => setRaw(e.currentTarget.checked)}
            />
          ) : null}
          {provable(kind, format) ? (
            <Checkbox
              label="Also a line for every event left out, without what it says"
              description="It proves how the others lie in the chain."
              checked={proof}
              onChange={(e) => setProof(e.currentTarget.checked)}
            />
          ) : null}
          <TextInput
            label="Reason"
            description="It is kept in the audit trail."
            required
            value={note}
            onChange={(e) => setNote(e.currentTarget.value)}
          />
          {lacks ? <p className="muted">{lacks}</p> : null}
          <div className="row" style={{ justifyContent: "flex-end" }}>
            <Button
              variant="default"
              disabled={lacks !== ""}
              loading={preview.isFetching}
              onClick={() => setShown({ ...request, note: "" })}
            >
              Preview
            </Button>
            <Button disabled={note.trim() === "" || lacks !== ""} loading={save.isPending} onClick={() => save.mutate()}>
              Save…
            </Button>
          </div>
          {saveProblem ? <ErrorPanel what="Nothing was saved" problem={saveProblem} onClose={() => save.reset()} /> : null}
          {save.data ? (
            <>
              <p>{save.data.statement}.</p>
              <Code text={save.data.file} what="the file's name" />
              <p className="muted">
                {save.data.signed_by
                  ? `Its manifest is signed by ${save.data.signed_by}.`
                  : `It is not signed: ${save.data.signed_by_reason}.`}
              </p>
              {info.data?.mode === "window" ? (
                <Button variant="default" onClick={() => folder.mutate(save.data.file)}>
                  Show in its folder
                </Button>
              ) : null}
            </>
          ) : null}
          {folderProblem ? <ErrorPanel what="The folder was not opened" problem={folderProblem} onClose={() => folder.reset()} /> : null}
        </div>
        <section className="preview" aria-label="Preview">
          {shown === null ? (
            <p className="muted">The preview shows the first page and the first rows. Nothing is recorded for it.</p>
          ) : (
            <Loaded data={preview.data} problem={problemOf(preview)} what="the preview" rows={12} onRetry={() => void preview.refetch()}>
              {(p) => <iframe title="Preview of the report" sandbox="" srcDoc={p.html} />}
            </Loaded>
          )}
        </section>
      </div>
      <Schedules />
    </Modal>
  );
}
