import type { ErrorComponentProps } from "@tanstack/react-router";
import { ErrorPanel } from "../ui/ErrorPanel";
import { Main } from "./Main";

/** Crash stands in for a screen that failed to draw. */
export function Crash({ error, reset }: ErrorComponentProps) {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <Main>
      <ErrorPanel
        what="This screen failed to draw"
        problem={{ code: "page_failed", message, hint: "nothing in the fleet was changed by this; go to another screen, or try again" }}
        onRetry={reset}
      />
    </Main>
  );
}
