import { constants, type Dirent, type Stats } from "node:fs";
import * as files from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { constants as system } from "node:os";
import { join } from "node:path";
import type { FileFaults, FileOperation } from "./file-faults.ts";
import {
  attributes,
  directoryEntry,
  entry,
  fuseOperations as ask,
  initialised,
  names,
  number64,
  reply,
  uint32,
  uint64,
  type FuseRequest,
} from "./fuse-message.ts";

interface Node {
  parent: number;
  name: string;
  lookups: number;
  /** Where it is open: after it was deleted it has no path. */
  readonly open: Set<FileHandle>;
}

const rootNode = 1;
/** Appending is what the kernel does; going past the cache is for who asks for it at the proxy. */
const ownFlags = constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_TRUNC | 0o40_000;

/** Has the kernel's requests done in a directory, but for what goes wrong there. */
export class FuseServer {
  readonly #root: string;
  readonly #faults: FileFaults;
  readonly #nodes = new Map<number, Node>([[rootNode, { parent: 0, name: "", lookups: 1, open: new Set() }]]);
  readonly #byPlace = new Map<string, number>();
  readonly #handles = new Map<number, { readonly file: FileHandle; readonly node: number }>();
  readonly #listings = new Map<number, readonly Dirent[]>();
  #last = rootNode;

  constructor(root: string, faults: FileFaults) {
    this.#root = root;
    this.#faults = faults;
  }

  /** The answer to a request; undefined where there is none. */
  async answer(request: FuseRequest): Promise<Buffer | undefined> {
    const { operation, number, body } = request;
    if (operation === ask.forget) return this.#forget(request.node, number64(body, 0));
    if (operation === ask.batchForget) {
      for (let at = 8; at + 16 <= body.length; at += 16) this.#forget(number64(body, at), number64(body, at + 8));
      return undefined;
    }
    if (operation === ask.interrupt || operation === ask.destroy) return undefined;
    try {
      return reply(number, 0, await this.#work(request));
    } catch (error) {
      const { code = "EIO" } = error as NodeJS.ErrnoException;
      return reply(number, system.errno[code as "EIO"] ?? system.errno.EIO);
    }
  }

  async #work(request: FuseRequest): Promise<Buffer> {
    const { operation, node, body } = request;
    switch (operation) {
      case ask.init:
        return initialised(body.readUInt32LE(8));
      case ask.lookup:
        return this.#entry(node, names(body, 0)[0]!);
      case ask.getattr:
        return Buffer.concat([uint64(0, 0), attributes(await this.#stat(node))]);
      case ask.setattr:
        return this.#setAttributes(node, body);
      case ask.readlink:
        return Buffer.from(await files.readlink(this.#path(node)));
      case ask.symlink: {
        const [name = "", target = ""] = names(body, 0);
        await files.symlink(target, this.#path(node, name));
        return this.#made(request, name);
      }
      case ask.mkdir: {
        const [name = ""] = names(body, 8);
        await files.mkdir(this.#path(node, name));
        await files.chmod(this.#path(node, name), body.readUInt32LE(0) & 0o7777);
        return this.#made(request, name);
      }
      case ask.unlink:
        return this.#gone(node, names(body, 0)[0]!, files.unlink);
      case ask.rmdir:
        return this.#gone(node, names(body, 0)[0]!, files.rmdir);
      case ask.rename:
        return this.#rename(node, number64(body, 0), names(body, 8));
      case ask.rename2:
        // Exchanging, and keeping what is there, are not for this.
        if (body.readUInt32LE(8) !== 0) throw refusal("EINVAL");
        return this.#rename(node, number64(body, 0), names(body, 16));
      case ask.link: {
        const [name = ""] = names(body, 8);
        await files.link(this.#path(number64(body, 0)), this.#path(node, name));
        return this.#entry(node, name);
      }
      case ask.open:
        return this.#opened(node, await files.open(this.#path(node), body.readUInt32LE(0) & ~ownFlags));
      case ask.create:
        return this.#create(request);
      case ask.read: {
        const { file, path } = this.#handle(number64(body, 0));
        const size = body.readUInt32LE(16);
        await this.#meet("read", path, size);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, number64(body, 8));
        return buffer.subarray(0, bytesRead);
      }
      case ask.write: {
        const { file, path } = this.#handle(number64(body, 0));
        const data = body.subarray(40, 40 + body.readUInt32LE(16));
        await this.#meet("write", path, data.length);
        const { bytesWritten } = await file.write(data, 0, data.length, number64(body, 8));
        return uint32(bytesWritten, 0);
      }
      case ask.fsync: {
        const { file, path } = this.#handle(number64(body, 0));
        await this.#meet("sync", path, 0);
        await (body.readUInt32LE(8) === 1 ? file.datasync() : file.sync());
        return Buffer.alloc(0);
      }
      case ask.fsyncdir: {
        await this.#meet("sync", this.#path(node), 0);
        const directory = await files.open(this.#path(node), constants.O_RDONLY);
        try {
          await directory.sync();
        } finally {
          await directory.close();
        }
        return Buffer.alloc(0);
      }
      case ask.flush:
        return Buffer.alloc(0);
      case ask.release:
        await this.#release(number64(body, 0));
        return Buffer.alloc(0);
      case ask.statfs: {
        const { blocks, bfree, bavail, files: all, ffree, bsize } = await files.statfs(this.#root);
        return Buffer.concat([uint64(blocks, bfree, bavail, all, ffree), uint32(bsize, 255, bsize), Buffer.alloc(28)]);
      }
      case ask.opendir:
        this.#listings.set(++this.#last, await files.readdir(this.#path(node), { withFileTypes: true }));
        return Buffer.concat([uint64(this.#last), uint32(0, 0)]);
      case ask.readdir:
        return this.#list(number64(body, 0), number64(body, 8), body.readUInt32LE(16));
      case ask.releasedir:
        this.#listings.delete(number64(body, 0));
        return Buffer.alloc(0);
      default:
        throw refusal("ENOSYS");
    }
  }

  /** Waits, or fails, as a fault has it. */
  async #meet(operation: FileOperation, path: string, bytes: number): Promise<void> {
    if (this.#faults.isEmpty) return;
    const verdict = this.#faults.consult(operation, path, bytes);
    if (verdict === undefined) return;
    if (verdict.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, verdict.delayMs));
    if (verdict.failure !== undefined) throw refusal(verdict.failure);
  }

  #path(node: number, name?: string): string {
    const parts = name === undefined ? [] : [name];
    for (let at = node; at !== rootNode;) {
      const found = this.#nodes.get(at);
      if (found === undefined || found.parent === 0) throw refusal("ENOENT");
      parts.unshift(found.name);
      at = found.parent;
    }
    return join(this.#root, ...parts);
  }

  async #stat(node: number): Promise<Stats> {
    const [file] = this.#nodes.get(node)?.open ?? [];
    return file === undefined ? files.lstat(this.#path(node)) : file.stat();
  }

  async #entry(parent: number, name: string): Promise<Buffer> {
    const stats = await files.lstat(this.#path(parent, name));
    const place = `${parent}/${name}`;
    let node = this.#byPlace.get(place);
    if (node === undefined) {
      node = ++this.#last;
      this.#byPlace.set(place, node);
      this.#nodes.set(node, { parent, name, lookups: 0, open: new Set() });
    }
    this.#nodes.get(node)!.lookups++;
    return entry(node, stats);
  }

  async #made({ node, user, group }: FuseRequest, name: string): Promise<Buffer> {
    await files.lchown(this.#path(node, name), user, group);
    return this.#entry(node, name);
  }

  async #create({ node, user, group, body }: FuseRequest): Promise<Buffer> {
    const [name = ""] = names(body, 16);
    const flags = (body.readUInt32LE(0) & ~(ownFlags & ~constants.O_EXCL)) | constants.O_CREAT;
    const file = await files.open(this.#path(node, name), flags, 0o600);
    try {
      await file.chmod(body.readUInt32LE(4) & 0o7777);
      await file.chown(user, group);
      const found = await this.#entry(node, name);
      return Buffer.concat([found, this.#opened(number64(found, 0), file)]);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #opened(node: number, file: FileHandle): Buffer {
    this.#handles.set(++this.#last, { file, node });
    this.#nodes.get(node)?.open.add(file);
    return Buffer.concat([uint64(this.#last), uint32(0, 0)]);
  }

  #handle(number: number): { readonly file: FileHandle; readonly path: string } {
    const found = this.#handles.get(number);
    if (found === undefined) throw refusal("EBADF");
    return { file: found.file, path: this.#nodes.get(found.node)?.parent === 0 ? this.#root : this.#path(found.node) };
  }

  async #release(number: number): Promise<void> {
    const found = this.#handles.get(number);
    if (found === undefined) return;
    this.#handles.delete(number);
    this.#nodes.get(found.node)?.open.delete(found.file);
    await found.file.close();
  }

  async #setAttributes(node: number, body: Buffer): Promise<Buffer> {
    const valid = body.readUInt32LE(0);
    const has = (bit: number): boolean => (valid & bit) !== 0;
    const [open] = this.#nodes.get(node)?.open ?? [];
    // Of a file that was deleted while it is open there is only the handle.
    const path = open === undefined ? this.#path(node) : `/proc/self/fd/${open.fd}`;
    if (has(1)) await files.chmod(path, body.readUInt32LE(68) & 0o7777);
    if (has(2) || has(4)) {
      const { uid, gid } = await this.#stat(node);
      await files.chown(path, has(2) ? body.readUInt32LE(76) : uid, has(4) ? body.readUInt32LE(80) : gid);
    }
    if (has(8)) {
      await this.#meet("write", path.startsWith("/proc") ? this.#root : path, 0);
      await files.truncate(path, number64(body, 16));
    }
    if (has(16) || has(32)) {
      const { atimeMs, mtimeMs } = await this.#stat(node);
      const seconds = (at: number, nanosAt: number): number => number64(body, at) + body.readUInt32LE(nanosAt) / 1e9;
      const now = Date.now() / 1_000;
      const pick = (bit: number, nowBit: number, given: number, old: number): number =>
        has(nowBit) ? now : has(bit) ? given : old / 1_000;
      await files.utimes(path, pick(16, 128, seconds(32, 56), atimeMs), pick(32, 256, seconds(40, 60), mtimeMs));
    }
    return Buffer.concat([uint64(0, 0), attributes(await this.#stat(node))]);
  }

  async #gone(parent: number, name: string, remove: (path: string) => Promise<void>): Promise<Buffer> {
    await remove(this.#path(parent, name));
    this.#loseName(`${parent}/${name}`);
    return Buffer.alloc(0);
  }

  async #rename(parent: number, target: number, [from = "", to = ""]: readonly string[]): Promise<Buffer> {
    await files.rename(this.#path(parent, from), this.#path(target, to));
    this.#loseName(`${target}/${to}`);
    const node = this.#byPlace.get(`${parent}/${from}`);
    if (node === undefined) return Buffer.alloc(0);
    this.#byPlace.delete(`${parent}/${from}`);
    this.#byPlace.set(`${target}/${to}`, node);
    Object.assign(this.#nodes.get(node)!, { parent: target, name: to });
    return Buffer.alloc(0);
  }

  /** What has that name is no longer found by it. */
  #loseName(place: string): void {
    const node = this.#nodes.get(this.#byPlace.get(place) ?? 0);
    if (node !== undefined) node.parent = 0;
    this.#byPlace.delete(place);
  }

  #forget(number: number, lookups: number): undefined {
    const node = this.#nodes.get(number);
    if (node === undefined || number === rootNode) return;
    node.lookups -= lookups;
    if (node.lookups > 0) return;
    this.#nodes.delete(number);
    const place = `${node.parent}/${node.name}`;
    if (this.#byPlace.get(place) === number) this.#byPlace.delete(place);
  }

  #list(listing: number, from: number, size: number): Buffer {
    const all = this.#listings.get(listing) ?? [];
    const parts: Buffer[] = [];
    let length = 0;
    for (const [at, found] of all.entries()) {
      if (at < from) continue;
      const type = found.isDirectory() ? 4 : found.isSymbolicLink() ? 10 : 8;
      const part = directoryEntry(at + 2, at + 1, type, found.name);
      if (length + part.length > size) break;
      parts.push(part);
      length += part.length;
    }
    return Buffer.concat(parts);
  }
}

function refusal(errno: string): Error {
  return Object.assign(new Error(errno), { code: errno });
}
