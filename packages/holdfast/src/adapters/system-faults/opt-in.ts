import { readFileSync } from "node:fs";
import { processEnvironment } from "./process-record.ts";

/** The variable by which a process agrees to faults, and the file by which a directory does. */
export const optInVariable = "HOLDFAST_FAULTS";
const optInFile = ".holdfast-faults";

const maxTextBytes = 4_096;

/** Whether a text agrees to a kind: `allow`, or kinds separated by commas or lines. */
export function agreesTo(text: string | undefined, kind: string): boolean {
  if (text === undefined || text.length > maxTextBytes) return false;
  const words = text.split(/[\s,]+/);
  return words.includes("allow") || words.includes(kind);
}

/** Whether a process was started with the variable. What it sets later cannot be seen from outside. */
export function processAgrees(pid: number, kind: string): boolean {
  return agreesTo(processEnvironment(pid)[optInVariable], kind);
}

/** Whether whoever may write to a directory has put the file there. */
export function directoryAgrees(directory: string, kind: string): boolean {
  try {
    return agreesTo(readFileSync(`${directory}/${optInFile}`, "utf8"), kind);
  } catch {
    return false;
  }
}
