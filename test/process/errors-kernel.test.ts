import { execFile, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { builtInClassifiers, reviveError } from "holdfast/errors";
import { afterAll, describe, expect, it } from "vitest";
import { caught, ClassifiedRows } from "../clients/classified-rows.ts";
import { fileRows, limitRows, networkRows, sqliteRows } from "./kernel-rows.ts";

const node = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "node")!);
const sqlite = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "sqlite")!);
const directory = mkdtempSync(join(tmpdir(), "holdfast-kernel-"));

afterAll(() => rmSync(directory, { recursive: true }));

/** What a program met: its lines of JSON, each with a row and the failure, which went through JSON. */
function expectMet(output: string): void {
  for (const line of output.split("\n").filter((each) => each.startsWith("{"))) {
    const { row, failure } = JSON.parse(line) as { readonly row: string; readonly failure: object };
    (row.startsWith("SQLITE") ? sqlite : node).expectRow(reviveError(failure), row);
  }
}

describe("the limits of a machine", () => {
  it("EAGAIN: nothing is there to read yet", async () => {
    const path = join(directory, "pipe");
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const error = await caught(() => readSync(pipe, Buffer.alloc(1)));
    closeSync(pipe);
    node.expectRow(error, "EAGAIN");
  });

  it("ENOBUFS: more multicast groups than a socket may be in", async () => {
    const socket = createSocket("udp4").bind(0);
    await once(socket, "listening");
    const error = await caught(() => {
      for (let at = 0; at < 65_536; at++) socket.addMembership(`239.1.${at >> 8}.${at & 255}`, "127.0.0.1");
    });
    socket.close();
    node.expectRow(error, "ENOBUFS");
  });

  it("ENOMEM: more memory than a socket's options may take", async () => {
    const socket = createSocket("udp6").bind(0);
    await once(socket, "listening");
    const error = await caught(() => {
      for (let at = 0; at < 65_536; at++) socket.addMembership(`ff02::1:${at.toString(16)}`, "::%lo");
    });
    socket.close();
    const failure = node.expectRow(error, "ENOMEM");
    expect([failure.kind, failure.retryable]).toEqual(["resource", true]);
  });

  it("ENOTCONN: a program is given a socket to read from that nobody connected", async () => {
    const script = `
      import { classify } from "holdfast/errors";
      process.stdin.on("error", (error) => {
        console.log(JSON.stringify({ row: "ENOTCONN", failure: classify(error) }));
        process.exit();
      }).resume();`;
    const give = 'use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0); open(STDIN, "<&", $s); exec @ARGV';
    const program = [process.execPath, "--conditions=source", "--input-type=module", "-e", script];
    const options = { cwd: import.meta.dirname, timeout: 10_000 };
    expectMet((await promisify(execFile)("perl", ["-e", give, ...program], options)).stdout);
  });

  it("EFBIG and SQLITE_IOERR: files may not grow any more", async () => {
    const script = `
      import { writeFileSync } from "node:fs";
      import { DatabaseSync } from "node:sqlite";
      import { classify } from "holdfast/errors";
      const meet = (row, call) => {
        try { call(); } catch (error) { console.log(JSON.stringify({ row, failure: classify(error) })); }
      };
      meet("EFBIG", () => writeFileSync(process.argv[1] + "/large", Buffer.alloc(100000)));
      const database = new DatabaseSync(process.argv[1] + "/database");
      meet("SQLITE_IOERR", () => database.exec("create table t (b blob); insert into t values (zeroblob(100000))"));`;
    const command = 'ulimit -f 8; exec "$0" --conditions=source --input-type=module -e "$1" "$2"';
    const args = ["-c", command, process.execPath, script, directory];
    expectMet((await promisify(execFile)("sh", args, { cwd: import.meta.dirname })).stdout);
  });

  it("SQLITE_NOMEM: the program may have no more memory", async () => {
    const script = `
      import { spawnSync } from "node:child_process";
      import { readFileSync } from "node:fs";
      import { DatabaseSync } from "node:sqlite";
      import { classify } from "holdfast/errors";
      const database = new DatabaseSync(":memory:");
      const [, used] = /^VmSize:\\s+(\\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
      const limit = Number(used) * 1024 + 300_000_000;
      const { status, stderr } = spawnSync("prlimit", ["--pid", String(process.pid), "--as=" + limit]);
      if (status !== 0) throw new Error(String(stderr));
      try { database.prepare("select length(randomblob(900000000))").get(); } catch (error) {
        console.log(JSON.stringify({ row: "SQLITE_NOMEM", failure: classify(error) }));
      }`;
    const args = ["--conditions=source", "--input-type=module", "-e", script];
    expectMet((await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })).stdout);
  });

  it("these rows were provoked", () => node.expectOnly(limitRows));
});

/** Runs a program in namespaces of its own. */
function unshare(namespaces: readonly string[], program: string): { readonly output: string; readonly why: string } {
  const command = [process.execPath, "--conditions=source", join(import.meta.dirname, program)];
  const args = ["--map-root-user", ...namespaces, ...command];
  const { stdout, stderr, error } = spawnSync("unshare", args, { encoding: "utf8", timeout: 30_000 });
  return { output: stdout ?? "", why: error?.message ?? stderr.trim() };
}

describe.each<[string, readonly string[], string, readonly string[]]>([
  ["a network of its own", ["--net", "--mount"], "kernel-network.ts", networkRows],
  ["file systems of its own", ["--mount"], "kernel-files.ts", [...fileRows, "SQLITE_PERM"]],
])("%s", (name, namespaces, program, expected) => {
  const refusal = refusalOf(namespaces, program);
  if (refusal !== undefined) {
    it(`needs ${name}, which this machine refuses (${refusal})`, () => {
      expect(refusal).toMatch(/not permitted|denied|not supported|not found|superuser|No such file|ENOENT/i);
    });
    return;
  }

  it("is met with each of the errors", () => {
    const { output, why } = unshare(namespaces, program);
    expect(output.match(/^\{"row":"[^"]+"/gm), why).toEqual(expected.map((row) => `{"row":"${row}"`));
    expectMet(output);
  });
});

const fuse = '[ -c /dev/fuse ] || { echo "/dev/fuse: not found" >&2; exit 1; }; exec 3<>/dev/fuse';
const mountSomething = 'at=$(mktemp -d); trap "umount $at; rmdir $at" EXIT; mount --bind $at $at';

/** What the machine says to what the program needs first. */
function refusalOf(namespaces: readonly string[], program: string): string | undefined {
  const needs = program === "kernel-files.ts" ? fuse : "ss -V && tc -V && perl -e 1 && ip link";
  const args = ["--map-root-user", ...namespaces, "sh", "-ec", `${mountSomething}; ${needs}`];
  const { status, error, stderr } = spawnSync("unshare", args, { encoding: "utf8" });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim();
}

it("the rows of SQLite are of those that are listed", () => {
  const provoked = sqlite.provoked;
  expect(sqliteRows).toEqual(expect.arrayContaining([...provoked]));
  expect(provoked).toEqual(expect.arrayContaining(["SQLITE_IOERR", "SQLITE_NOMEM"]));
});
