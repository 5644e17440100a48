import type { Style } from "../cli/terminal.ts";
import type { MemberState } from "./supervisor.ts";

/** What the live view shows; every number is as of now. */
export interface ClusterViewState {
  readonly members: readonly ViewMember[];
  readonly leader: { readonly name: string; readonly term: number } | undefined;
  readonly writesPerSecond: number | undefined;
  readonly upMs: number;
  /** Newest last. */
  readonly events: readonly ViewEvent[];
  readonly directory: string;
  readonly clientUrl: string;
  /** Undefined without one, and before it is there. */
  readonly dashboardUrl?: string | undefined;
  /** Commands to try, at most three. */
  readonly suggestions: readonly string[];
  /** `starting` until all members are alive and one leads for the first time. */
  readonly phase: "starting" | "running" | "stopping" | "stopped";
}

export interface ViewMember {
  readonly name: string;
  readonly state: MemberState;
  readonly stateMs: number;
  readonly pid: number | undefined;
  readonly client: string;
  /** Undefined when the member does not answer. */
  readonly word:
    | {
        readonly role: "leader" | "follower" | "candidate";
        readonly term: number;
        readonly commitIndex: number;
        readonly appliedIndex: number;
      }
    | undefined;
}

export interface ViewEvent {
  /** Time of day, `12:03:11`. */
  readonly at: string;
  readonly text: string;
  readonly grave: boolean;
}

export interface ViewFrame {
  readonly columns: number;
  readonly rows: number;
  readonly style: (style: Style, text: string) => string;
}

const closing = {
  starting: "Ctrl-C stops the cluster.",
  running: "Ctrl-C stops the cluster.",
  stopping: "Stopping…",
  stopped: "All members have stopped.",
} as const;

interface Cell {
  readonly text: string;
  readonly style?: Style;
}

const roles: Readonly<Record<"leader" | "follower" | "candidate", Cell>> = {
  leader: { text: "★ leader", style: "green" },
  follower: { text: "● follower" },
  candidate: { text: "◌ candidate", style: "yellow" },
};

/** The live view as lines, none wider than the frame and together no taller; the oldest events give way first. */
export function renderClusterView(state: ClusterViewState, frame: ViewFrame): string[] {
  const { style } = frame;
  const head = [summary(state, style), "", ...memberTable(state.members, style), ""];
  const foot = [
    "",
    `Clients  ${style("cyan", state.clientUrl)}   data in ${state.directory}`,
    ...(state.dashboardUrl === undefined ? [] : [`Dashboard  ${style("cyan", state.dashboardUrl)}`]),
    ...state.suggestions.map((line, index) => `${index === 0 ? "Try" : "   "}      ${line}`),
    "",
    style("dim", closing[state.phase]),
  ];
  const room = Math.max(0, Math.min(6, frame.rows - 1 - head.length - foot.length));
  const events = (room === 0 ? [] : state.events.slice(-room)).map(
    (event) => `${style("dim", event.at)}  ${event.grave ? style("yellow", event.text) : event.text}`,
  );
  return [...head, ...events, ...foot].slice(0, Math.max(1, frame.rows - 1)).map((line) => clip(line, frame.columns));
}

function summary(state: ClusterViewState, style: ViewFrame["style"]): string {
  const answering = state.members.filter((member) => member.state === "alive" && member.word !== undefined).length;
  const total = state.members.length;
  const quorum = Math.floor(total / 2) + 1;
  if (state.phase === "starting") return `${style("bold", "holdfast")}  ${style("yellow", "… starting")}`;
  if (state.phase === "stopped") return `${style("bold", "holdfast")}  ■ stopped after ${formatDuration(state.upMs)}`;
  const health =
    state.leader === undefined || answering < quorum
      ? style("red", `✕ no service, ${answering}/${total} answer`)
      : answering < total
        ? style("yellow", `▲ degraded, ${answering}/${total} answer`)
        : style("green", `✓ healthy, ${total}/${total} answer`);
  const leader = state.leader === undefined ? "no leader" : `${state.leader.name} leads term ${state.leader.term}`;
  const rate = state.writesPerSecond === undefined ? "" : ` · ${formatCount(state.writesPerSecond)} writes/s`;
  return `${style("bold", "holdfast")}  ${health} · ${leader}${rate} · up ${formatDuration(state.upMs)}`;
}

function memberTable(members: readonly ViewMember[], style: ViewFrame["style"]): string[] {
  const header = ["NAME", "ROLE", "PID", "CLIENT", "TERM", "COMMIT", "APPLIED", "STATE"];
  const rows = members.map((member): Cell[] => [
    { text: member.name, style: "bold" },
    roleCell(member),
    { text: member.pid === undefined ? "-" : String(member.pid) },
    { text: member.client },
    { text: member.word === undefined ? "-" : String(member.word.term) },
    { text: member.word === undefined ? "-" : String(member.word.commitIndex) },
    { text: member.word === undefined ? "-" : String(member.word.appliedIndex) },
    stateCell(member),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.text.length ?? 0)),
  );
  // Numbers line up at their last digit; the role keeps its width so that the table does not jump at an election.
  widths[1] = Math.max(widths[1] ?? 0, "◌ candidate".length);
  const numeric = new Set([2, 4, 5, 6]);
  const pad = (text: string, column: number): string =>
    numeric.has(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return [
    style(
      "dim",
      header
        .map((title, column) => pad(title, column))
        .join("  ")
        .trimEnd(),
    ),
    ...rows.map((row) =>
      row
        .map((cell, column) => {
          const padded = column === row.length - 1 ? cell.text : pad(cell.text, column);
          return cell.style === undefined ? padded : style(cell.style, padded);
        })
        .join("  "),
    ),
  ];
}

function roleCell(member: ViewMember): Cell {
  if (member.state === "alive" && member.word !== undefined) return roles[member.word.role];
  if (member.state === "alive") return { text: "? silent", style: "yellow" };
  if (member.state === "starting") return { text: "… starting", style: "yellow" };
  if (member.state === "stopped") return { text: "■ stopped" };
  return { text: "✕ down", style: "red" };
}

function stateCell(member: ViewMember): Cell {
  const since = formatDuration(member.stateMs);
  if (member.state === "alive") return { text: `alive ${since}` };
  if (member.state === "stopped") return { text: "stopped" };
  return { text: `${member.state} ${since}`, style: member.state === "failed" ? "red" : "yellow" };
}

/** `48s`, `3m12s`, `2h05m`, `4d03h`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor(seconds / 60) % 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor(seconds / 3600) % 24)}h`;
}

/** Whole numbers with spaces between thousands. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}

// oxlint-disable-next-line no-control-regex -- styled text is text with escapes in it
const escape = /\u001B\[[0-9;]*m/y;

/** Cuts a line that is too wide, counting what is seen and closing the styles that were open. */
export function clip(line: string, columns: number): string {
  let seen = 0;
  let at = 0;
  let styled = false;
  let result = "";
  while (at < line.length) {
    escape.lastIndex = at;
    const [sequence] = escape.exec(line) ?? [];
    if (sequence !== undefined) {
      result += sequence;
      styled = true;
      at += sequence.length;
      continue;
    }
    const character = String.fromCodePoint(line.codePointAt(at) ?? 32);
    if (seen === columns - 1 && visibleLength(line.slice(at)) > 1) {
      return `${result}…${styled ? "\u001B[0m" : ""}`;
    }
    result += character;
    seen++;
    at += character.length;
  }
  return result;
}

// oxlint-disable-next-line no-control-regex -- as above
const escapes = /\u001B\[[0-9;]*m/g;

function visibleLength(text: string): number {
  return Array.from(text.replaceAll(escapes, "")).length;
}
