import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Problem } from "./problem.ts";

/** Where the built page lies: the same place seen from the source and from what is published. */
const directory: URL = new URL("../../dashboard/", import.meta.url);

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
};

/** Nothing is loaded from elsewhere, and nobody puts the page into one of theirs. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

/** A file's name says what is in it: `app-3f9a1c2b.js`. */
const hashed = /[-.][\w-]{8,}\.\w+$/;
const safePath = /^(?:[\w-]+\/)*[\w][\w.-]*$/;

/** Sends a file of the built page. @throws Problem 404 */
export async function sendPageFile(path: string, response: ServerResponse, isHead: boolean): Promise<void> {
  const name = path === "" ? "index.html" : path;
  const type = types[extname(name)];
  if (!safePath.test(name) || type === undefined) throw new Problem(404, "there is no such file");
  let content: Buffer;
  try {
    content = await readFile(fileURLToPath(new URL(name, directory)));
  } catch {
    if (name !== "index.html") throw new Problem(404, "there is no such file");
    throw new Problem(
      404,
      "the dashboard's page is not built here: run npm run build in the repository, or install the published package",
    );
  }
  if (response.destroyed) return;
  const isPage = type.startsWith("text/html");
  response.writeHead(200, {
    "content-type": type,
    "content-length": content.length,
    "cache-control": isPage ? "no-store" : hashed.test(name) ? "public, max-age=31536000, immutable" : "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    ...(isPage ? { "content-security-policy": contentSecurityPolicy } : {}),
  });
  response.end(isHead ? undefined : content);
}
