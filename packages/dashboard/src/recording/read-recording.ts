import type { LiveMessage, LiveRecording } from "holdfast/telemetry";
import { isRecord, misshapen } from "../stream/message-shape.ts";
import { messageVersion, readMessage } from "../stream/read-message.ts";

/** A recording as far as it could be read, or why not at all. */
export type ReadRecording =
  | { readonly recording: LiveRecording; readonly warnings: readonly string[]; readonly problem?: undefined }
  | { readonly recording?: undefined; readonly problem: string };

/** More than this is not a recording that a page can hold. */
const maxMessages = 200_000;
const maxChars = 256 * 1024 * 1024;
const shownProblems = 3;

/**
 * Reads what `renderRecording` wrote. One of another version is refused; one that is cut short, or has messages that are
 * not what they should be, is shown without them, and says so.
 */
export function readRecording(text: string): ReadRecording {
  if (text.trim() === "") return { problem: "There is no recording in this page." };
  if (text.length > maxChars) return { problem: `The recording is longer than ${maxChars} characters.` };
  const warnings: string[] = [];
  const document = parsed(text) ?? salvaged(text);
  if (document === undefined)
    return { problem: "The recording cannot be read: it is no JSON, or cut short at its very beginning." };
  if (document["isCut"] === true) warnings.push("The recording is cut short: what follows is missing.");
  if (document["format"] !== "holdfast-recording") return { problem: "This is not a recording of Holdfast." };
  if (document["version"] !== messageVersion) {
    const version = String(document["version"]).slice(0, 40);
    return {
      problem: `The recording has version ${version} of the format; this page knows version ${messageVersion}.`,
    };
  }
  const wrong = misshapen(document, {
    fields: { title: "string", startedAt: "number", durationMs: "number", messages: { listOf: "object" } },
  });
  if (wrong !== undefined) return { problem: `The recording's ${wrong.slice(1)} is not what it should be.` };
  const messages = messagesOf(document["messages"] as readonly unknown[], warnings);
  if (messages.length === 0) return { problem: "The recording has no message that could be shown." };
  const durationMs = Math.max(document["durationMs"] as number, messages.at(-1)?.atMs ?? 0);
  const { title, startedAt } = document as { title: string; startedAt: number };
  return { recording: { format: "holdfast-recording", version: 1, title, startedAt, durationMs, messages }, warnings };
}

function messagesOf(list: readonly unknown[], warnings: string[]): LiveRecording["messages"] {
  if (list.length > maxMessages)
    warnings.push(`Only the first ${maxMessages} of its ${list.length} messages are shown.`);
  const messages: { atMs: number; message: LiveMessage }[] = [];
  const problems: string[] = [];
  for (const each of list.slice(0, maxMessages)) {
    const atMs = isRecord(each) ? each["atMs"] : undefined;
    const read = readMessage(isRecord(each) ? each["message"] : undefined);
    if (typeof atMs === "number" && read.message !== undefined) messages.push({ atMs, message: read.message });
    else problems.push(read.problem ?? "a message without a time");
  }
  if (problems.length > 0) {
    const some = Array.from(new Set(problems)).slice(0, shownProblems).join("; ");
    warnings.push(`${problems.length} of its messages cannot be shown: ${some}.`);
  }
  // The order of time is what playing relies on.
  return messages.sort((a, b) => a.atMs - b.atMs);
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : { format: null };
  } catch {
    return undefined;
  }
}

/** The head and the whole messages of a text that ends too early: each stands in a line of its own. */
function salvaged(text: string): Readonly<Record<string, unknown>> | undefined {
  const [head = "", ...lines] = text.split("\n");
  if (!head.endsWith('"messages":[')) return undefined;
  const opening = parsed(`${head}]}`);
  if (opening === undefined) return undefined;
  const messages: unknown[] = [];
  for (const line of lines) {
    const message = parsed(line.endsWith(",") ? line.slice(0, -1) : line);
    if (message === undefined) break;
    messages.push(message);
  }
  return { ...opening, messages, isCut: true };
}
