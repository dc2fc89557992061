import { ActionButton } from "../../app/Reach";
import type { QueueState } from "../../bridge";
import { Age } from "../../ui/Age";
import { absolute, useUTC } from "../../ui/clock";
import { Mark } from "../../ui/Status";

/** QueueNotice says why queued moves do not begin: somebody paused the queue, or no window is open. */
export function QueueNotice({ queue }: { queue: QueueState | null | undefined }) {
  const utc = useUTC();
  if (!queue || (!queue.paused && queue.window_open)) return null;
  return (
    <div className="notice warn top" role="status">
      <Mark tone="warn" />
      <div className="stack tight grow">
        {queue.paused ? (
          <span>
            {queue.paused_by} paused the queue
            {queue.paused_at ? (
              <>
                , {absolute(queue.paused_at, utc)} (<Age at={queue.paused_at} className="" />)
              </>
            ) : null}
            : {queue.paused_why}
          </span>
        ) : (
          <span>
            No maintenance window is open{queue.window_opens_at ? `; the next one opens ${absolute(queue.window_opens_at, utc)}` : ""}:{" "}
            {queue.windows}
          </span>
        )}
        <span className="muted">What runs goes on. Queued moves wait; shard-admin move queue shows each of them.</span>
      </div>
      {queue.paused ? (
        <ActionButton id="queue.resume" variant="default">
          Go on with the queue…
        </ActionButton>
      ) : null}
    </div>
  );
}
