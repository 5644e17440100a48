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
/** A year: what is further off than that is no moment of a run. */
const maxMs = 366 * 86_400_000;
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
    fields: { title: "string", startedAt: "time", durationMs: "number", messages: { listOf: "object" } },
  });
  if (wrong !== undefined) return { problem: `The recording's ${wrong.slice(1)} is not what it should be.` };
  const messages = messagesOf(document["messages"] as readonly unknown[], warnings);
  if (messages.length === 0) {
    const isCut = document["isCut"] === true;
    return {
      problem: `The recording ${isCut ? "is cut short before its first message" : "has no message that could be shown"}.`,
    };
  }
  const durationMs = Math.min(maxMs, Math.max(document["durationMs"] as number, messages.at(-1)?.atMs ?? 0));
  const { title, startedAt, command } = document as { title: string; startedAt: number; command?: unknown };
  const omitted = omittedOf(document["omitted"]);
  if (omitted !== undefined) {
    const { states, events } = omitted;
    warnings.push(
      `There was too much to keep: ${states} states between others and the ${events} oldest events are left out.`,
    );
  }
  const recording: LiveRecording = {
    format: "holdfast-recording",
    version: 1,
    title,
    startedAt,
    durationMs,
    ...(typeof command === "string" && command !== "" ? { command } : {}),
    ...(omitted === undefined ? {} : { omitted }),
    messages,
  };
  return { recording, warnings };
}

function omittedOf(value: unknown): LiveRecording["omitted"] {
  if (misshapen(value, { fields: { states: "number", events: "number" } }) !== undefined) return undefined;
  const { states, events } = value as { readonly states: number; readonly events: number };
  return states > 0 || events > 0 ? { states, events } : undefined;
}

function messagesOf(list: readonly unknown[], warnings: string[]): LiveRecording["messages"] {
  if (list.length > maxMessages)
    warnings.push(`Only the first ${maxMessages} of its ${list.length} messages are shown.`);
  const messages: { atMs: number; message: LiveMessage }[] = [];
  const problems: string[] = [];
  for (const each of list.slice(0, maxMessages)) {
    const atMs = isRecord(each) ? each["atMs"] : undefined;
    const read = readMessage(isRecord(each) ? each["message"] : undefined);
    const isTimed = typeof atMs === "number" && atMs >= 0 && atMs <= maxMs;
    if (isTimed && read.message !== undefined) messages.push({ atMs, message: read.message });
    if (read.problem !== undefined || !isTimed) problems.push(read.problem ?? "a message without a time");
  }
  if (problems.length > 0) {
    const some = Array.from(new Set(problems)).slice(0, shownProblems).join("; ");
    warnings.push(`${problems.length} of its messages cannot be shown, or not whole: ${some}.`);
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
