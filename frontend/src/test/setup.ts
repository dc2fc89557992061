import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// Nothing is laid out here, so whatever scrolls is given a height: a table draws
// the rows that would be in sight.
for (const kind of [Element, HTMLElement]) {
  for (const name of ["clientHeight", "offsetHeight"]) Object.defineProperty(kind.prototype, name, { configurable: true, get: () => 600 });
  for (const name of ["clientWidth", "offsetWidth"]) Object.defineProperty(kind.prototype, name, { configurable: true, get: () => 1000 });
}

// Browsers say when a font has come; a text field that grows wants to hear it.
Object.defineProperty(document, "fonts", { configurable: true, value: new EventTarget() });

// A machine that builds something else at the same time is slow, not wrong.
configure({ asyncUtilTimeout: 5000 });

afterEach(() => cleanup());
