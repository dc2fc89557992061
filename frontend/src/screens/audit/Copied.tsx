import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAlarms } from "../../app/current";
import { problemOf } from "../../app/problem";
import { api, type EventList, keys } from "../../bridge";
import { Age, Moment } from "../../ui/Age";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { count } from "../../ui/format";
import { good } from "../../ui/Good";
import { Mark } from "../../ui/Status";

/** The kinds of an alarm that is about this computer's own files. */
const local = ["deleted", "altered"];

/** Alarms is what this computer's copy found wrong with the server's trail; it stays until a new copy is begun with a reason. */
export function Alarms() {
  const q = useAlarms();
  const client = useQueryClient();
  const [beginning, setBeginning] = useState(false);
  const [note, setNote] = useState("");
  const restart = useMutation({
    mutationFn: () => api.restartCopy(note),
    onSuccess: (r) => {
      good(`A new copy was begun and goes to ${count(r.seq)}; the old one is kept`);
      setBeginning(false);
      setNote("");
      void client.invalidateQueries({ queryKey: keys.auditAlarms });
    },
  });
  const newest = q.data?.alarms[0];
  if (!q.data || !newest) return null;
  const problem = problemOf(restart);
  return (
    <div className="problem" role="alert" aria-label="Alarm of the audit trail">
      <span style={{ marginTop: 2 }}>
        <Mark tone="bad" />
      </span>
      <div className="grow">
        <h3>
          {local.includes(newest.kind)
            ? "This computer's copy of the trail has not what it had"
            : "The trail in the control database is not the one that was copied to this computer"}
        </h3>
        <p>{newest.message}</p>
        <p className="do">
          <span className="medium">What to do:</span> {q.data.hint}
        </p>
        <p className="small muted" style={{ marginTop: 4 }}>
          {newest.kind} · events {count(newest.first_seq)} to {count(newest.last_seq)} · seen <Moment at={newest.at} />{" "}
          <Age at={newest.at} before="· " />
        </p>
      </div>
      <div className="row top" style={{ alignSelf: "flex-start" }}>
        <Button variant="default" size="xs" onClick={() => setBeginning(true)}>
          Begin a new copy…
        </Button>
      </div>
      <Modal
        opened={beginning}
        onClose={() => setBeginning(false)}
        title="Begin a new copy of the trail"
        size={520}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        <div className="stack">
          <p className="muted">
            Only after a restore or a new installation that everybody knows of, or once this computer was looked at. The old copy stays on
            this computer as it is, with the reason.
          </p>
          <TextInput label="Reason" required value={note} onChange={(e) => setNote(e.currentTarget.value)} data-autofocus />
          {problem ? <ErrorPanel what="No new copy was begun" problem={problem} /> : null}
          <div className="row" style={{ justifyContent: "flex-end" }}>
            <Button variant="default" onClick={() => setBeginning(false)}>
              Close
            </Button>
            <Button disabled={note.trim() === ""} loading={restart.isPending} onClick={() => restart.mutate()}>
              Begin a new copy
            </Button>
          </div>
        </div>
      </Modal>
    </div>
  );
}

/** FromCopy says that what is listed is this computer's copy, how far it goes and why it is shown. */
export function FromCopy({ list }: { list: EventList | undefined }) {
  if (typeof list?.copy_to !== "number") return null;
  return (
    <div className="notice" role="status">
      <Mark tone="warn" />
      <span>
        The control database does not answer. This is this computer's copy of the trail, up to event {count(list.copy_to)}, brought up to
        date <Age at={list.copy_at} />. <span className="muted">{list.copy_reason}</span>
      </span>
    </div>
  );
}
