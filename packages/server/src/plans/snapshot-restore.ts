import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { restoreMember, type InitialMember } from "holdfast/coordination";
import { StepFailure, type JsonValue, type StepContext, type StepExecutor } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { openSnapshot } from "../backup/snapshot-reader.ts";
import { ExitError } from "../cli/exit.ts";

/**
 * Steps of the type `snapshot-restore`: the directories of members of a new cluster, from a snapshot of Holdfast's or
 * etcd's, in the place of what is there, which is kept beside them (`previous`) for the rollback. Members that run are
 * refused: stop them before, and start them after, all with the same `cluster` and `clusterName`. With `roots`, all of it
 * lies below one of these directories.
 */
export function snapshotRestore({ roots }: { readonly roots?: readonly string[] } = {}): StepExecutor {
  const isAllowed = (path: JsonValue | undefined): boolean =>
    typeof path !== "string" || roots === undefined || roots.some((root) => !relative(root, path).startsWith(".."));
  return {
    type: "snapshot-restore",
    parameters: {
      file: { type: "text", required: true },
      cluster: { type: "object", required: true, check: checkAddresses },
      directories: { type: "object", required: true, check: checkDirectories },
      clusterName: { type: "text" },
      skipHashCheck: { type: "flag" },
    },
    check: ({ file, cluster, directories }) => {
      const outside = [file, ...Object.values(directories ?? {})].find((path) => !isAllowed(path as JsonValue));
      if (outside !== undefined) return `${String(outside)} must be below ${roots!.join(" or ")}`;
      if (typeof cluster !== "object" || typeof directories !== "object") return undefined;
      const stranger = Object.keys(directories ?? {}).find((name) => !Object.hasOwn(cluster ?? {}, name));
      return stranger === undefined ? undefined : `directories has ${stranger}, who is not in cluster`;
    },
    outputs: ["revision", "previous"],
    errorKind: "database",
    run: restore,
    rollback: putBack,
  };
}

const addressPattern = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s/]+)):(\d{1,5})$/;

function checkAddresses(value: JsonValue): string | undefined {
  const members = Object.entries(value as object);
  const isRight =
    members.length > 0 && members.every(([, peer]) => typeof peer === "string" && addressPattern.test(peer));
  return isRight ? undefined : "must be HOST:PORT by the members' names";
}

function checkDirectories(value: JsonValue): string | undefined {
  const all = Object.values(value as object);
  return all.length > 0 && all.every((directory) => typeof directory === "string" && directory !== "")
    ? undefined
    : "must be directories by the members' names";
}

interface Place {
  readonly name: string;
  readonly directory: string;
  readonly draft: string;
  readonly previous: string;
  /** There, without a draft, while the step has its effect. */
  readonly done: string;
}

function placesOf({ parameters, executionId, stepId }: StepContext): Place[] {
  const mark = createHash("sha256").update(`${executionId}/${stepId}`).digest("hex").slice(0, 12);
  return Object.entries(parameters["directories"] as Readonly<Record<string, string>>).map(([name, given]) => {
    const directory = resolve(given);
    const beside = (what: string): string => `${directory}.holdfast-${what}-${mark}`;
    return { name, directory, draft: beside("new"), previous: beside("old"), done: beside("done") };
  });
}

const isDone = ({ draft, done }: Place): boolean => existsSync(done) && !existsSync(draft);

async function restore(context: StepContext): Promise<JsonValue> {
  const places = placesOf(context);
  const { parameters, signal } = context;
  const { file, clusterName = "holdfast", skipHashCheck } = parameters;
  const members = Object.entries(parameters["cluster"] as Readonly<Record<string, string>>).map(memberOf);
  const left = places.filter((place) => !isDone(place));
  if (left.length === 0) return outputOf(places);
  const { disk } = nodeRuntime();
  try {
    const snapshot = openSnapshot(file as string, { skipHashCheck: skipHashCheck === true });
    try {
      const backup = snapshot.contents();
      const cluster = { name: clusterName as string, members };
      for (const { name, draft } of left) {
        signal.throwIfAborted();
        await rm(draft, { recursive: true, force: true });
        await restoreMember({ disk, directory: draft, name, cluster, backup });
      }
      for (const { name, directory } of left) await refuseRunning(name, directory);
      // All of them are there: from here on it goes through to its end.
      signal.throwIfAborted();
      for (const place of left) await swap(place, backup.revision);
      return await outputOf(places);
    } finally {
      snapshot.close();
    }
  } catch (error) {
    // All of them or none.
    await putBack(context);
    if (ExitError.is(error)) throw new StepFailure("database", error.message, { retryable: false, cause: error });
    throw error;
  }
}

async function swap({ directory, draft, previous, done }: Place, revision: number): Promise<void> {
  await writeFile(done, String(revision));
  if (existsSync(directory)) await rename(directory, previous);
  await rename(draft, directory);
  await syncDirectory(dirname(directory));
}

async function outputOf(places: readonly Place[]): Promise<JsonValue> {
  const [first] = places;
  const kept = places.map(({ name, previous }) => [name, existsSync(previous) ? previous : null] as const);
  return { revision: Number(await readFile(first!.done, "utf8")), previous: Object.fromEntries(kept) };
}

/** @throws StepFailure when a member runs in it */
async function refuseRunning(name: string, directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  try {
    const lock = await nodeRuntime().disk.lock(directory);
    await lock.release();
  } catch (cause) {
    throw new StepFailure("database", `${name} runs in ${directory}: stop it before`, { cause });
  }
}

async function putBack(context: StepContext): Promise<void> {
  for (const place of placesOf(context).toReversed()) {
    const { name, directory, draft, previous, done } = place;
    if (isDone(place)) {
      await refuseRunning(name, directory);
      await rename(directory, draft);
    }
    if (existsSync(previous)) await rename(previous, directory);
    await rm(draft, { recursive: true, force: true });
    await rm(done, { force: true });
    await syncDirectory(dirname(directory));
  }
}

function memberOf([name, peer]: readonly [string, string]): InitialMember {
  const [, bracketed, plain = "", port] = addressPattern.exec(peer) ?? [];
  return { name, peer: { host: bracketed ?? plain, port: Number(port) } };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
