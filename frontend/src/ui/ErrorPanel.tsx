import { Button } from "@mantine/core";
import { Copy } from "./Copy";
import { Mark } from "./Status";

export interface Trouble {
  code: string;
  message: string;
  hint: string;
}

/** ErrorPanel says what failed, why and what to do. It stays until somebody closes it. */
export function ErrorPanel({
  what,
  problem,
  onRetry,
  onClose,
}: {
  what: string;
  problem: Trouble;
  onRetry?: () => void;
  onClose?: () => void;
}) {
  return (
    <div className="problem" role="alert">
      <span style={{ marginTop: 2 }}>
        <Mark tone="bad" />
      </span>
      <div className="grow">
        <h3>{what}</h3>
        <p className="pre">{problem.message}</p>
        {problem.hint ? (
          <p className="do">
            <span className="medium">What to do:</span> {problem.hint}
          </p>
        ) : null}
        <p className="small muted mono" style={{ marginTop: 4 }}>
          {problem.code}
        </p>
      </div>
      <div className="row top" style={{ alignSelf: "flex-start" }}>
        <Copy text={`${what}\n${problem.message}\n${problem.hint}\n${problem.code}`} what="this error" />
        {onRetry ? (
          <Button variant="default" size="xs" onClick={onRetry}>
            Retry
          </Button>
        ) : null}
        {onClose ? (
          <Button variant="default" size="xs" onClick={onClose}>
            Close
          </Button>
        ) : null}
      </div>
    </div>
  );
}
