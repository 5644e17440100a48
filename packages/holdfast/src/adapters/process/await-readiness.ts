import { connect } from "node:net";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { unlessAborted } from "./unless-aborted.ts";
import { addressIn, type Readiness } from "./service-definition.ts";

const askEveryMs = 50;
/** A service that takes a question and does not answer it is asked again. */
const answerMs = 2_000;
const maxLineBytes = 8_192;

export interface Begun {
  readonly pid: number;
  readonly outputs: readonly Readable[];
}

/** Resolves when a service that has begun shows that it is ready. @throws the signal's reason */
export async function awaitReadiness(ready: Readiness, begun: Begun, signal: AbortSignal): Promise<void> {
  if ("line" in ready) return await lineWith(ready.line, begun.outputs, signal);
  for (;;) {
    signal.throwIfAborted();
    const either = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
    const isReady = await ask(ready, begun.pid, either).then(
      () => true,
      () => false,
    );
    signal.throwIfAborted();
    if (isReady) return;
    await delay(askEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

async function ask(ready: Exclude<Readiness, { line: string }>, pid: number, signal: AbortSignal): Promise<void> {
  if ("check" in ready) {
    await unlessAborted(Promise.resolve(ready.check({ pid, signal })), signal);
  } else if ("http" in ready) {
    const response = await fetch(ready.http, { signal });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`answered ${response.status}`);
  } else {
    await connects(addressIn(ready.tcp)!, signal);
  }
}

function connects(address: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, signal });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

function lineWith(text: string, outputs: readonly Readable[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const off: (() => void)[] = [];
    const end = (settle: () => void): void => {
      for (const each of off) each();
      settle();
    };
    for (const output of outputs) {
      let rest = "";
      const onData = (chunk: Buffer): void => {
        const lines = (rest + chunk.toString("latin1")).split("\n");
        rest = (lines.at(-1) ?? "").slice(-maxLineBytes);
        // As bytes: a chunk may end within a character.
        const wanted = Buffer.from(text).toString("latin1");
        if (lines.slice(0, -1).some((line) => line.includes(wanted))) end(resolve);
      };
      output.on("data", onData);
      off.push(() => output.off("data", onData));
    }
    const onAbort = (): void => end(() => reject(signal.reason as Error));
    signal.addEventListener("abort", onAbort, { once: true });
    off.push(() => signal.removeEventListener("abort", onAbort));
  });
}
