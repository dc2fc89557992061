import { Button, Modal } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { problemOf } from "../../app/problem";
import { api, keys, type MoveView } from "../../bridge";
import { Age } from "../../ui/Age";
import { Mono, put } from "../../ui/Copy";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { good } from "../../ui/Good";
import { Loaded } from "../../ui/Loaded";
import { Mark } from "../../ui/Status";
import { reportOf } from "./report";

/** Report shows what the program reports of a settled move, copies it as text and saves it as a file. */
export function Report({ m, open, onClose }: { m: MoveView; open: boolean; onClose: () => void }) {
  const q = useQuery({ queryKey: keys.report(m.id), queryFn: () => api.reportMove(m.id), enabled: open });
  const save = useMutation({ mutationFn: () => api.saveReport(m.id) });
  const saving = problemOf(save);
  const close = () => {
    save.reset();
    onClose();
  };
  return (
    <Modal
      opened={open}
      onClose={close}
      title={`Report of the move of ${m.label || m.tenant}`}
      size={860}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="stack">
        <Loaded data={q.data} problem={problemOf(q)} what="the report" rows={10} onRetry={() => void q.refetch()}>
          {(r) => (
            <>
              {r.chain_ok ? null : (
                <div className="notice warn">
                  <Mark tone="warn" />
                  <span>The hashes of the audit trail are not proven: {r.chain_reason}</span>
                </div>
              )}
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
              <pre className="code report" tabIndex={0}>
                {reportOf(r)}
              </pre>
              {saving && saving.code !== "cancelled" ? <ErrorPanel what="The report was not saved" problem={saving} /> : null}
              {save.data ? <Mono text={save.data.path} what="the file's name" /> : null}
            </>
          )}
        </Loaded>
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <span className="grow">
            <Age at={q.data?.made_at} before="made " />
          </span>
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button
            variant="default"
            disabled={!q.data}
            onClick={() => {
              if (q.data)
                void put(reportOf(q.data)).then((done) => good(done ? "The report is in the clipboard" : "The clipboard takes nothing"));
            }}
          >
            Copy as text
          </Button>
          <Button disabled={!q.data} loading={save.isPending} onClick={() => save.mutate()}>
            Save as JSON
          </Button>
        </div>
      </div>
    </Modal>
  );
}
