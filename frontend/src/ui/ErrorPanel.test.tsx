import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { ErrorPanel, type Trouble } from "./ErrorPanel";

const trouble: Trouble = { code: "database_connection_lost", message: "the connection was lost", hint: "try again" };

function panel(problem: Trouble): string {
  render(
    <MantineProvider>
      <ErrorPanel what="The move was not started" problem={problem} />
    </MantineProvider>,
  );
  return screen.getByRole("alert").textContent ?? "";
}

test("what is safe now stands between the reason and what to do", () => {
  expect(panel({ ...trouble, safe: "nothing was changed" })).toMatch(
    /not started.*connection was lost.*Safe now: nothing was changed.*What to do: try again.*database_connection_lost/,
  );
});

test("where nothing is promised, nothing is said to be safe", () => {
  expect(panel(trouble)).not.toContain("Safe");
});
