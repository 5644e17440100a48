import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { MockService, MockServiceOptions } from "holdfast/adapters/mock-service";
import { InvalidArgumentError } from "holdfast/errors/base";
import { isLocalHost } from "../faults/request-guard.ts";
import { readMockFile, type MockFile } from "../mock/mock-file.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, usageError } from "./exit.ts";
import { flag, integer, text } from "./option.ts";
import { aborted, stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";
import { watchFiles } from "./watch-files.ts";

export const mockCommand: Command = defineCommand({
  name: "mock",
  summary: "serve an HTTP service that a file describes, with faults",
  examples: [
    "holdfast mock users.yaml",
    "holdfast mock users.yaml --port 9000 --watch",
    "holdfast mock users.yaml --check",
    "HOLDFAST_MOCK_TOKEN=… holdfast mock users.json   # changed over HTTP below /_mock",
  ],
  positionals: [{ name: "FILE", help: "what the service says, as YAML or JSON" }],
  options: {
    port: integer({ min: 0, max: 65_535, default: 8080, help: "where it listens; 0 takes a free one" }),
    host: text({ placeholder: "HOST", default: "127.0.0.1", help: "the address where it listens" }),
    seed: integer({ min: 0, max: Number.MAX_SAFE_INTEGER, help: "what faults are drawn from, instead of the file's" }),
    token: text({
      environment: "HOLDFAST_MOCK_TOKEN",
      help: "lets it be changed over HTTP; the line of a command can be read by others of the machine",
    }),
    prefix: text({ placeholder: "PATH", default: "/_mock", help: "below which it is changed over HTTP" }),
    watch: flag("take the file's routes and faults again when it changes"),
    allowRemote: flag("let other machines reach it"),
    check: flag("only check the file"),
    json: flag("print the ready line as JSON"),
  },
  async run({ options, positionals: [given = ""], terminal }) {
    const { port, host, seed, token, prefix, allowRemote } = options;
    if (!allowRemote && !isLocalHost(host)) {
      throw usageError(`--host ${host} is reached by other machines: add --allow-remote if that is meant`);
    }
    const file = readFile(given);
    // Only who asks for it loads it.
    const { mockService } = await import("holdfast/adapters/mock-service");
    const start = (at: Partial<MockServiceOptions>): Promise<MockService> =>
      starting(file, () => mockService({ ...file.options, ...(seed === undefined ? {} : { seed }), ...at }));
    if (options.check) {
      const { routes, faults } = await checked(await start({}));
      const document = { ok: true, routes, faults };
      if (options.json) terminal.document(document);
      else terminal.out(`${given} is right: ${count(routes, "route")}, ${count(faults, "fault")}`);
      return exitCodes.ok;
    }
    const stop = stopSignal();
    const control = token === undefined ? {} : { control: { token, prefix } };
    const service = await start({ listen: { host, port }, allowRemote, ...control });
    const { name, url } = service;
    const controlUrl = token === undefined ? null : `${url}${prefix}`;
    const ready = { ready: true, name, pid: process.pid, url, control: controlUrl, seed: service.seed };
    if (options.json) terminal.document(ready);
    else {
      terminal.out(`${name}: ${url}, ${count(service.routes.length, "route")}, seed ${service.seed}`);
      if (controlUrl !== null) terminal.err(`changed at ${controlUrl}`);
    }
    const watching = options.watch
      ? watchFiles([resolve(given)], () => void reload(given, service, terminal))
      : undefined;
    await aborted(stop);
    watching?.close();
    await service.close();
    const effects = Object.values(service.counts).reduce((sum, struck) => sum + struck, 0);
    const requests = service.journal.entries.length + service.journal.forgotten;
    terminal.err(`${name} has stopped: ${count(requests, "request")}, faults struck ${count(effects, "time")}`);
    return exitCodes.ok;
  },
});

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;

/** What a file comes to, without serving it. */
async function checked(service: MockService): Promise<{ readonly routes: number; readonly faults: number }> {
  await service.close();
  return { routes: service.routes.length, faults: service.faults.length };
}

/** @throws ExitError with the place of the problem */
function readFile(file: string): MockFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw environmentError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, error);
  }
  return readMockFile(file, text);
}

/** @throws ExitError with the place of the problem */
async function starting<T>(file: MockFile, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (InvalidArgumentError.is(error)) {
      // Those are said on the line, all others in the file.
      const onLine = error.message.replace(/^mockService\.control\./, "--");
      throw onLine === error.message ? file.place(onLine) : usageError(onLine);
    }
    const { code, message } = error as NodeJS.ErrnoException;
    throw environmentError(code === "EADDRINUSE" ? `${message}: take another --port` : message, error);
  }
}

/** A file that is wrong changes nothing: what was there goes on. */
async function reload(given: string, service: MockService, terminal: Terminal): Promise<void> {
  try {
    const file = readFile(given);
    const { routes = [], faults = [] } = file.options;
    await starting(file, () => service.configure({ routes, faults }));
    terminal.err(`${given} was read again: ${count(service.routes.length, "route")}`);
  } catch (error) {
    terminal.err(`${error instanceof Error ? error.message : String(error)}; what was there before goes on`);
  }
}
