import type { Tone } from "../ui/Status";

/** stateOf words the application's own state of a tenant; a word that is not known is no alarm. */
export function stateOf(status: string | null | undefined): [Tone, string] {
  if (!status) return ["ok", "Live"];
  const word = `${status[0]?.toUpperCase()}${status.slice(1).replaceAll("_", " ")}`;
  if (/^(live|active|ready|enabled)$/.test(status)) return ["ok", word];
  if (/fail|error|broken/.test(status)) return ["bad", word];
  if (/suspend|lock|disabled|expired/.test(status)) return ["warn", word];
  if (/delet|archiv|closed|inactive/.test(status)) return ["off", word];
  return ["info", word];
}
