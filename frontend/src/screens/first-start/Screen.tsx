import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Connect } from "../../app/Connect";
import { OperatorForm } from "../../app/Operator";
import { problemOf } from "../../app/problem";
import { api, keys } from "../../bridge";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Panel } from "../../ui/Panel";
import { Status } from "../../ui/Status";

/** FirstStart is what an app without a fleet shows. */
export function FirstStart({ operator }: { operator: string }) {
  const client = useQueryClient();
  const demo = useQuery({ queryKey: keys.demo, queryFn: () => api.demoStatus(), refetchInterval: 2000 });
  const start = useMutation({ mutationFn: () => api.startDemo(), onSuccess: (d) => client.setQueryData(keys.demo, d) });
  const open = useMutation({
    mutationFn: (name: string) => api.openFleet(name),
    onSuccess: (info) => {
      client.setQueryData(keys.info, info);
      void client.invalidateQueries();
    },
  });
  const d = demo.data;
  const startProblem = problemOf(start) ?? d?.problem ?? null;
  const openProblem = problemOf(open);
  const demoProblem = problemOf(demo);
  return (
    <div className="first">
      <h1>Welcome to Shard Admin</h1>
      <p className="lead">
        A fleet is one control database, which knows where each tenant lives, and its shards. Connect one, or look around in a demo first.
      </p>
      <div className="stack" style={{ gap: 16 }}>
        {openProblem ? <ErrorPanel what="The fleet could not be opened" problem={openProblem} onClose={() => open.reset()} /> : null}
        <Panel title="Try the demo fleet" pad>
          <div className="stack">
            <p className="muted">
              Four real PostgreSQL servers on this computer with 200 sample tenants: look around, move one, move it back. Nothing leaves
              this computer, and nothing of yours is touched.
            </p>
            {demoProblem ? (
              <ErrorPanel what="Whether a demo can be started is not known" problem={demoProblem} onRetry={() => void demo.refetch()} />
            ) : null}
            {startProblem ? <ErrorPanel what="The demo was not started" problem={startProblem} /> : null}
            {d?.starting ? <Status tone="run">{d.step || "Starting"}</Status> : null}
            {d && !d.available && !d.running ? (
              <span className="muted">The demo cannot be started in this mode; run `shard-admin demo`.</span>
            ) : null}
            <div className="row">
              {d?.running && !d.starting ? (
                <Button loading={open.isPending} onClick={() => open.mutate(d.fleet || "demo")}>
                  Open the demo fleet
                </Button>
              ) : (
                <Button disabled={!d?.available || d.starting} loading={start.isPending} onClick={() => start.mutate()}>
                  Try the demo fleet
                </Button>
              )}
            </div>
          </div>
        </Panel>
        {operator ? null : (
          <Panel title="Who are you?" pad>
            <OperatorForm email="" />
          </Panel>
        )}
        <Panel title="Connect a fleet" pad>
          <Connect onOpen={(name) => open.mutate(name)} />
        </Panel>
      </div>
    </div>
  );
}
