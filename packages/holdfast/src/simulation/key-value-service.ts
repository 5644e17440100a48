import { DurableJournal } from "./durable-journal.ts";
import type { ServiceMain } from "./property-context.ts";
import { serve } from "./serve.ts";
import type { SimulatedFetch } from "./simulated-fetch.ts";

/** What a key holds. */
export interface StoredValue {
  readonly value: unknown;
  /** 1 for the first value of a key, and one more with each change. */
  readonly version: number;
}

interface Change {
  readonly key: string;
  readonly version: number;
  readonly value?: unknown;
  readonly deleted?: true;
}

export interface KeyValueServiceOptions {
  readonly port?: number;
  /** Whether it refuses a request with 503 in rare cases, having done nothing. Default false. */
  readonly flaky?: boolean;
}

/**
 * A store of values for simulated services, in place of their database: one process that answers over HTTP, keeps what
 * it has answered over crashes, and is struck by faults like any other.
 *
 * @example
 * context.service("database", keyValueService());
 * const values = keyValueClient(simulatedFetch(runtime), "http://database");
 */
export function keyValueService(options: KeyValueServiceOptions = {}): ServiceMain {
  const { flaky = false, ...listening } = options;
  return async (runtime, { rarely }) => {
    /** Also what is deleted, whose versions go on. */
    const changes = new Map<string, Change>();
    const journal = await DurableJournal.open<Change>(runtime.disk, "/values", (change) =>
      changes.set(change.key, change),
    );
    let turn: Promise<unknown> = Promise.resolve();

    const change = async (key: string, ifVersion: number | undefined, made: Partial<Change>): Promise<Response> => {
      const before = changes.get(key);
      const version = before === undefined || before.deleted === true ? 0 : before.version;
      if (ifVersion !== undefined && ifVersion !== version) return Response.json({ version }, { status: 412 });
      const next: Change = { ...made, key, version: (before?.version ?? 0) + 1 };
      await journal.append(next);
      changes.set(key, next);
      return Response.json({ version: next.version });
    };

    await serve(
      runtime,
      async (request) => {
        if (flaky && rarely("store refuses")) return new Response("unavailable", { status: 503 });
        const { pathname, searchParams } = new URL(request.url);
        const key = decodeURIComponent(pathname.slice(1));
        if (request.method === "GET") {
          const found = changes.get(key);
          if (found === undefined || found.deleted === true) return new Response(null, { status: 404 });
          return Response.json({ value: found.value, version: found.version });
        }
        const version = searchParams.get("ifVersion");
        const ifVersion = version === null ? undefined : Number(version);
        const made: Partial<Change> = request.method === "DELETE" ? { deleted: true } : { value: await request.json() };
        const done = turn.then(() => change(key, ifVersion, made));
        turn = done.catch(() => undefined);
        return done;
      },
      listening,
    );
  };
}

/** What `keyValueService` offers. Each call may fail with its effect unknown, as calls over a network do. */
export interface KeyValueClient {
  get(key: string): Promise<StoredValue | undefined>;
  /** Gives the new version; undefined when `ifVersion` is not the present one (0: there is none). */
  put(key: string, value: unknown, options?: { readonly ifVersion?: number }): Promise<number | undefined>;
  delete(key: string, options?: { readonly ifVersion?: number }): Promise<number | undefined>;
}

/** @param url where the service is, such as `http://database` */
export function keyValueClient(fetch: SimulatedFetch, url: string): KeyValueClient {
  const address = (key: string, ifVersion?: number): string =>
    `${url}/${encodeURIComponent(key)}${ifVersion === undefined ? "" : `?ifVersion=${ifVersion}`}`;
  const change = async (target: string, init: RequestInit): Promise<number | undefined> => {
    const response = await fetch(target, init);
    if (response.status === 412) return undefined;
    await refuseFailure(response);
    return ((await response.json()) as { readonly version: number }).version;
  };
  return {
    async get(key) {
      const response = await fetch(address(key));
      if (response.status === 404) return undefined;
      await refuseFailure(response);
      return (await response.json()) as StoredValue;
    },
    put: (key, value, { ifVersion } = {}) =>
      change(address(key, ifVersion), { method: "PUT", body: JSON.stringify(value) }),
    delete: (key, { ifVersion } = {}) => change(address(key, ifVersion), { method: "DELETE" }),
  };
}

async function refuseFailure(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`the store answered ${response.status}: ${await response.text()}`);
}
