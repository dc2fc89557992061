import { useEffect } from "react";
import { useEnvironment, useFleetName } from "../../app/current";
import { problemOf } from "../../app/problem";
import type { QueueState } from "../../bridge";
import { Confirm } from "../../ui/Confirm";
import { useQueueChange } from "./queries";

/** AskQueue asks before it pauses the queue or goes on with it; what the queue does already is not asked for. */
export function AskQueue({ queue, what, onClose }: { queue: QueueState; what: string | undefined; onClose: () => void }) {
  const environment = useEnvironment();
  const fleet = useFleetName();
  const change = useQueueChange();
  const pause = what === "pause";
  const open = pause ? !queue.paused : what === "resume" && queue.paused;
  // An address that asks for what is so already would ask when it is not any more.
  const idle = what !== undefined && !open && !change.isPending;
  useEffect(() => {
    if (idle) onClose();
  }, [idle, onClose]);
  const close = () => {
    change.reset();
    onClose();
  };
  return (
    <Confirm
      open={open}
      title={pause ? `Pause the queue of ${fleet}` : `Go on with the queue of ${fleet}`}
      environment={environment}
      name={fleet}
      nameIs="fleet"
      button={pause ? "Pause the queue" : "Go on"}
      busy={change.isPending}
      problem={problemOf(change)}
      onClose={close}
      onConfirm={({ note, confirm }) => change.mutate({ pause, request: { note, confirm } }, { onSuccess: close })}
    >
      <p>
        {pause
          ? "No worker begins anything more until somebody goes on. What runs goes on; cancelling a move and moving a tenant back are carried out all the same."
          : `What waits in the queue is begun. ${queue.paused_by} paused it: ${queue.paused_why}`}
      </p>
    </Confirm>
  );
}
