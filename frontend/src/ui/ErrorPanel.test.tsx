import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { toProblem } from "../bridge";
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

test("a refusal for a missing right shows the statement alone, to be copied", async () => {
  const write = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { value: { writeText: write }, configurable: true });
  const grant = "GRANT UPDATE (shard_name) ON public.pwb_websites TO ops;";
  const hint = "GRANT UPDATE (shard_name) ON public.pwb_websites TO ops; shard-admin fleet check prints 2 more";
  const said = panel(
    toProblem(JSON.stringify({ code: "right_missing", message: "control: the role lacks it", hint, safe: "", grants: [grant] })),
  );
  expect(said.match(/GRANT UPDATE/g)).toHaveLength(1);
  expect(said).toContain("shard-admin fleet check prints 2 more.");
  fireEvent.click(screen.getByRole("button", { name: "Copy the GRANT" }));
  expect(write).toHaveBeenCalledWith(grant);
  expect(await screen.findByRole("button", { name: "Copied" })).toBeTruthy();
});

test("a hint without a statement stays as it is", () => {
  expect(panel(toProblem(JSON.stringify({ ...trouble, grants: [] })))).toContain("What to do: try again");
});
