import { extname } from "node:path";
import { startMemberProcess, type MemberProcess } from "../supervisor/member-process.ts";

/** Same file, as source or built. */
const preload: string = new URL(`./member-faults${extname(import.meta.filename)}`, import.meta.url).href;
const answerMs = 10_000;

/** One life of a member that takes orders. */
export interface DrilledMember {
  readonly process: MemberProcess;
  /** Orders, and resolves with how often the kind has had an effect. Rejects when the member is gone, or does not answer. */
  order(what: "begin" | "end" | "look", kind: string, parameters?: Readonly<Record<string, number>>): Promise<number>;
}

interface Answer {
  readonly id: number;
  readonly struck: number;
}

/** Starts a member whose disk, clocks, processor and memory the drill can strike. */
export function startDrilledMember(line: readonly string[], onSaid: (line: string) => void): DrilledMember {
  const process = startMemberProcess(line, onSaid, preload);
  const waiting = new Map<number, (struck: number) => void>();
  let orders = 0;
  process.messages.listen((message) => {
    const { id, struck } = message as Answer;
    waiting.get(id)?.(struck);
    waiting.delete(id);
  });
  return {
    process,
    async order(what, kind, parameters = {}) {
      const id = ++orders;
      const answer = new Promise<number>((resolve) => waiting.set(id, resolve));
      const fail = (why: string): never => {
        waiting.delete(id);
        throw new Error(`the member did not obey ${what} ${kind}: ${why}`);
      };
      if (!process.messages.send({ id, do: what, kind, parameters })) fail("it is gone");
      const timeout = Promise.withResolvers<string>();
      const timer = setTimeout(() => timeout.resolve(`no answer within ${answerMs} ms`), answerMs);
      const end = await Promise.race([answer, timeout.promise, process.exited.then(() => "it died")]);
      clearTimeout(timer);
      return typeof end === "string" ? fail(end) : end;
    },
  };
}
