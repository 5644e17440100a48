import { execFile, spawnSync } from "node:child_process";
import { closeSync, openSync, read, writeSync } from "node:fs";
import { promisify } from "node:util";

/** Linux's numbers of requests and of errors (linux/fuse.h, asm-generic/errno.h). */
const ask = { lookup: 1, getattr: 3, open: 14, init: 26, opendir: 27, getlk: 31, setlk: 32 } as const;
const refusals: Readonly<Record<string, number>> = { EDQUOT: 122, ENETDOWN: 100, ENFILE: 23 };
const eperm = 1;
const enoent = 2;
const enosys = 38;

/**
 * Mounts a file system, as one on another machine might be: it refuses to open a file with the error of the file's name,
 * and has one empty file `unlockable`, which may be opened, but not be locked. Speaks the kernel's protocol, FUSE 7.31.
 * @throws Error with what the system said when it may not be mounted
 */
export function mountRefusing(directory: string): { unmount(): Promise<unknown> } {
  const device = openSync("/dev/fuse", "r+");
  const options = "fd=3,rootmode=40000,user_id=0,group_id=0";
  mount(["-i", "-t", "fuse", "-o", options, "none", directory], device);
  const buffer = Buffer.alloc(256 << 10);
  const next = (): void =>
    read(device, buffer, 0, buffer.length, null, (error, length) => {
      // It ends when nothing is mounted any more.
      if (error) closeSync(device);
      else {
        writeSync(device, answer(buffer.subarray(0, length)));
        next();
      }
    });
  next();
  // Not waited for where it stands: it asks the file system once more.
  return { unmount: () => promisify(execFile)("umount", [directory]) };
}

function mount(args: readonly string[], device: number): void {
  const { status, error, stderr } = spawnSync("mount", args, {
    stdio: ["ignore", "ignore", "pipe", device],
    encoding: "utf8",
  });
  if (status === 0) return;
  closeSync(device);
  throw new Error(`mount: ${error?.message ?? stderr.trim()}`);
}

/** To a request: a header of 40 bytes (length, operation, number, node, …) and a body. */
function answer(request: Buffer): Buffer {
  const operation = request.readUInt32LE(4);
  const number = request.readBigUInt64LE(8);
  const node = Number(request.readBigUInt64LE(16));
  const body = request.subarray(40);
  switch (operation) {
    case ask.init:
      return reply(number, 0, initialised(body.readUInt32LE(8)));
    case ask.lookup: {
      const name = body.toString("latin1", 0, body.indexOf(0));
      if (name === "unlockable") return reply(number, 0, Buffer.concat([uint64(2), Buffer.alloc(32), attributes(2)]));
      return reply(number, refusals[name] ?? enoent);
    }
    case ask.getattr:
      return reply(number, 0, Buffer.concat([Buffer.alloc(16), attributes(node)]));
    case ask.open:
    case ask.opendir:
      return reply(number, 0, Buffer.alloc(16));
    case ask.getlk:
    case ask.setlk:
      return reply(number, eperm);
    default:
      return reply(number, enosys);
  }
}

function reply(number: bigint, errno: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeInt32LE(-errno, 4);
  header.writeBigUInt64LE(number, 8);
  return errno === 0 ? Buffer.concat([header, body]) : header;
}

function initialised(maxReadahead: number): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(31, 4);
  body.writeUInt32LE(maxReadahead, 8);
  // Locks are asked for here, and not kept by the kernel (FUSE_POSIX_LOCKS).
  body.writeUInt32LE(1 << 1, 12);
  body.writeUInt32LE(4096, 20);
  return body;
}

/** Of the directory, which is node 1, or of the file. */
function attributes(node: number): Buffer {
  const body = Buffer.alloc(88);
  body.writeBigUInt64LE(BigInt(node), 0);
  body.writeUInt32LE(node === 1 ? 0o40_755 : 0o100_666, 60);
  body.writeUInt32LE(1, 64);
  body.writeUInt32LE(4096, 80);
  return body;
}

function uint64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}
