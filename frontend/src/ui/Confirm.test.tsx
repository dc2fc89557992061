import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { Confirm } from "./Confirm";

function ask(environment: string, more: Partial<Parameters<typeof Confirm>[0]> = {}) {
  const onConfirm = vi.fn();
  render(
    <MantineProvider env="test">
      <Confirm
        open
        title="Finalize"
        environment={environment}
        name="site-001"
        nameIs="tenant"
        button="Go"
        onConfirm={onConfirm}
        onClose={() => undefined}
        {...more}
      />
    </MantineProvider>,
  );
  const go = () => screen.getByRole<HTMLButtonElement>("button", { name: "Go" });
  return { go, onConfirm };
}
const write = (label: RegExp, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

test("development asks for a reason and nothing else", () => {
  const { go, onConfirm } = ask("development");
  expect(screen.queryByLabelText(/Type site-001/)).toBeNull();
  expect(go().disabled).toBe(true);
  write(/Reason/, "  a ticket ");
  expect(go().disabled).toBe(false);
  fireEvent.click(go());
  expect(onConfirm).toHaveBeenCalledWith({ note: "a ticket", confirm: "" });
});

test("production asks for the whole name, too", () => {
  const { go, onConfirm } = ask("production");
  write(/Reason/, "a ticket");
  for (const wrong of ["site-00", "Site-001", " site-001"]) {
    write(/Type site-001/, wrong);
    expect(go().disabled, wrong).toBe(true);
  }
  write(/Type site-001/, "site-001");
  fireEvent.click(go());
  expect(onConfirm).toHaveBeenCalledWith({ note: "a ticket", confirm: "site-001" });
});

test("what is missing elsewhere keeps the button shut", () => {
  const { go } = ask("development", { blocked: true });
  write(/Reason/, "a ticket");
  expect(go().disabled).toBe(true);
});
