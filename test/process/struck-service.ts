/** A service that can be struck. With IPC; answers what it is asked: `{ id, ask, … }`. */
import fs, { closeSync, fsyncSync, openSync, writeFileSync, writeSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setInterval as every, setTimeout as wait } from "node:timers/promises";

interface Question {
  readonly id: number;
  readonly ask: string;
  readonly path: string;
  readonly ms: number;
}

let ticks = 0;
setInterval(() => ticks++, 10);
let hasComeDue = false;

/** What went wrong, if anything did. */
async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const answers: Readonly<Record<string, (question: Question) => unknown>> = {
  clocks: () => ({
    wall: Date.now(),
    made: new Date().getTime(),
    text: new Date(Date()).getTime(),
    mono: performance.now(),
    hr: Number(process.hrtime.bigint()) / 1e6,
    old: process.hrtime()[0],
    isDate: new Date(5) instanceof Date && new Date(5).constructor === Date && new Date(2020, 1).getFullYear() === 2020,
  }),
  ticks: () => ticks,
  collect: () => {
    setFlagsFromString("--expose-gc");
    (runInNewContext("gc") as () => void)();
    return true;
  },
  /** Each in its way. */
  wait: async ({ ms }) => {
    await wait(ms);
    for await (const value of every(ms, "due")) if (value === "due") break;
    await new Promise((resolve) => AbortSignal.timeout(ms).addEventListener("abort", resolve));
    const cleared = Number(setTimeout(() => process.exit(9), 1));
    clearTimeout(cleared);
    return codeOf(() => wait(ms, 0, { signal: AbortSignal.abort() }));
  },
  arm: ({ ms }) => {
    hasComeDue = false;
    setTimeout(() => (hasComeDue = true), ms);
    return true;
  },
  due: () => hasComeDue,
  append: async ({ path }) => {
    const file = await open(path, "a");
    try {
      return {
        write: await codeOf(() => file.write("0123456789")),
        sync: await codeOf(() => file.datasync()),
      };
    } finally {
      await file.close();
    }
  },
  appendSync: async ({ path }) => {
    const file = openSync(path, "a");
    try {
      return { write: await codeOf(() => writeSync(file, "0123456789")), sync: await codeOf(() => fsyncSync(file)) };
    } finally {
      closeSync(file);
    }
  },
  syncedWrite: async ({ path }) => {
    const file = openSync(path, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_DSYNC);
    try {
      return await codeOf(() => writeSync(file, "0123456789"));
    } finally {
      closeSync(file);
    }
  },
  callback: ({ path }) =>
    new Promise((resolve) => fs.writeFile(path, "0123456789", (error) => resolve(error?.code ?? ""))),
  stream: ({ path }) =>
    new Promise((resolve) => {
      const stream = fs.createWriteStream(path);
      stream.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
      stream.on("finish", () => resolve(""));
      stream.end("0123456789");
    }),
  promise: ({ path }) => codeOf(() => writeFile(path, "0123456789")),
  whole: ({ path }) => codeOf(() => writeFileSync(path, "0123456789")),
  open: ({ path }) => codeOf(() => closeSync(openSync(path, "r"))),
};

process.on("message", (question: Question) => {
  void Promise.resolve(answers[question.ask]?.(question)).then((answer) => process.send?.({ id: question.id, answer }));
});
process.on("SIGTERM", () => process.exit(7));
process.send?.("ready");
