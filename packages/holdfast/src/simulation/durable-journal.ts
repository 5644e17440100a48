import type { Disk, DiskFile } from "../runtime/index.ts";
import { encodeFrame, FrameDecoder } from "../wire/index.ts";

const framing = { checksum: true } as const;
const headerBytes = 8;

/** Entries in one file, each there for good once `append` has resolved; a torn end is cut off when it is opened. */
export class DurableJournal<Entry> {
  readonly #file: DiskFile;
  #size: number;
  #turn: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(file: DiskFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** Opens it, and hands over what it holds. */
  static async open<Entry>(disk: Disk, path: string, onEntry: (entry: Entry) => void): Promise<DurableJournal<Entry>> {
    const file = await disk.open(path, { create: true });
    await disk.syncDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
    const content = await file.read(0, await file.size());
    let size = 0;
    try {
      new FrameDecoder(framing).push(content, (payload) => {
        onEntry(JSON.parse(new TextDecoder().decode(payload)) as Entry);
        size += headerBytes + payload.length;
      });
    } catch {
      // What was not synced before a crash, or half of it.
    }
    await file.truncate(size);
    await file.sync();
    return new DurableJournal(file, size);
  }

  /** @throws what the disk threw, now or before: after a failed sync nobody knows what is there */
  append(entry: Entry): Promise<void> {
    const written = this.#turn.then(() =>
      this.#write(encodeFrame(new TextEncoder().encode(JSON.stringify(entry)), framing)),
    );
    this.#turn = written.catch((error: unknown) => {
      this.#failure ??= error;
    });
    return written;
  }

  async #write(frame: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#file.write(this.#size, [frame]);
    this.#size += frame.length;
    await this.#file.sync();
  }
}
