import type { QueueState } from "../../bridge";
import { absolute, useUTC } from "../../ui/clock";
import { Mark } from "../../ui/Status";

/** QueueNotice says why queued moves do not begin: somebody paused the queue, or no window is open. */
export function QueueNotice({ queue }: { queue: QueueState | null | undefined }) {
  const utc = useUTC();
  if (!queue || (!queue.paused && queue.window_open)) return null;
  return (
    <div className="notice warn top" role="status">
      <Mark tone="warn" />
      <div className="stack tight">
        {queue.paused ? (
          <span>
            {queue.paused_by} paused the queue{queue.paused_at ? `, ${absolute(queue.paused_at, utc)}` : ""}: {queue.paused_why}
          </span>
        ) : (
          <span>
            No maintenance window is open{queue.window_opens_at ? `; the next one opens ${absolute(queue.window_opens_at, utc)}` : ""}:{" "}
            {queue.windows}
          </span>
        )}
        <span className="muted">What runs goes on. Queued moves wait; shard-admin move queue shows each of them.</span>
      </div>
    </div>
  );
}
