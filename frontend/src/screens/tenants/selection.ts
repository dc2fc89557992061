/** How many tenants can be chosen: the choice is part of the address. */
export const most = 200;

export function readSelection(text: string | undefined): string[] {
  return text ? text.split(",").filter(Boolean) : [];
}

export function writeSelection(ids: readonly string[]): string | undefined {
  return ids.length > 0 ? ids.join(",") : undefined;
}

/** toggled adds what is not chosen and takes out what is. */
export function toggled(ids: readonly string[], id: string): string[] {
  return ids.includes(id) ? ids.filter((x) => x !== id) : [...ids, id].slice(0, most);
}

/** added adds without doubles, up to what can be chosen. */
export function added(ids: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...ids, ...more])].slice(0, most);
}

/** sumOf adds what is known and says of how many. */
export function sumOf(values: readonly (number | null | undefined)[]): { sum: number; known: number; of: number } {
  const known = values.filter((v): v is number => typeof v === "number");
  return { sum: known.reduce((a, b) => a + b, 0), known: known.length, of: values.length };
}
