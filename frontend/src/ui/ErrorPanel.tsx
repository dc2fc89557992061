import { Button } from "@mantine/core";
import { Code, Copy } from "./Copy";
import { Mark } from "./Status";

export interface Trouble {
  code: string;
  message: string;
  hint: string;
  /** What can be relied on although it failed; the program says it, never the page. */
  safe?: string;
  /** The statements that give the rights which are missing. */
  grants?: string[];
}

/** ErrorPanel says what failed, why, what is safe now and what to do. It stays until somebody closes it. */
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
  const grants = problem.grants ?? [];
  return (
    <div className="problem" role="alert">
      <span style={{ marginTop: 2 }}>
        <Mark tone="bad" />
      </span>
      <div className="grow">
        <h3>{what}</h3>
        <p className="pre">{problem.message}</p>
        {problem.safe ? (
          <p className="do">
            <span className="medium">Safe now:</span> {problem.safe}
          </p>
        ) : null}
        {grants.length > 0 ? (
          <>
            <p className="do">
              <span className="medium">What to do:</span> let the database's owner grant what is missing, then do it again.
              {rest(problem.hint)}
            </p>
            <Code text={grants.join("\n")} what={grants.length === 1 ? "the GRANT" : "the GRANTs"} />
          </>
        ) : problem.hint ? (
          <p className="do">
            <span className="medium">What to do:</span> {problem.hint}
          </p>
        ) : null}
        <p className="small muted mono" style={{ marginTop: 4 }}>
          {problem.code}
        </p>
      </div>
      <div className="row top" style={{ alignSelf: "flex-start" }}>
        <Copy
          text={[what, problem.message, problem.safe && `Safe now: ${problem.safe}`, problem.hint, problem.code].filter(Boolean).join("\n")}
          what="this error"
        />
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

/** What of a hint is no statement: how many more there are. */
function rest(hint: string): string {
  const words = hint.split("; ").filter((part) => !part.includes("GRANT "));
  return words.length > 0 ? ` ${words.join("; ")}.` : "";
}
