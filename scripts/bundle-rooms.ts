import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { rolldown } from "rolldown";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly source: string }>>;
}

/** What the light entries of `errors` and `runtime` lead to. */
const base =
  /\/(errors\/(base|check-options|holdfast-error|invalid-argument|parse-retry-after|severity)|runtime\/(system|node-clock))\.ts$/;

/**
 * Writes each room of the library as one module, with what rooms share in modules of its own: loading a file for every
 * concept takes a second's fraction that a program pays at each start.
 */
export async function bundleRooms(library: string, directory: string): Promise<void> {
  const { exports } = JSON.parse(readFileSync(join(library, "package.json"), "utf8")) as Manifest;
  const bundle = await rolldown({
    input: Object.fromEntries(
      Object.entries(exports).map(([room, { source }]) => [`${room.slice(2)}/index`, join(library, source)]),
    ),
    platform: "node",
    // What an adapter adapts is the user's own.
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
  });
  await bundle.write({
    dir: directory,
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name]-[hash].js",
    // What every room needs, in one file instead of five: each costs a part of a millisecond at every start.
    codeSplitting: { groups: [{ name: "base", test: base }] },
    sourcemap: true,
    // What is read at each start is a third of it then; the source maps have the names.
    minify: true,
    comments: false,
  });
  await bundle.close();
}
