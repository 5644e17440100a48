import type { DiskFile } from "../../runtime/index.ts";
import { ByteReader, ByteWriter, crc32c, MalformedError } from "../../wire/index.ts";
import { LogCorruptError } from "./log-error.ts";

/** Magic, length of the body, checksum. */
const fixedBytes = 16;
const firstReadBytes = 4096;
const maxBodyBytes = 1024 * 1024;

/** Starts a file: eight bytes that tell its format, u32 length of the body, u32 CRC-32C of the body, body. */
export function encodeFileHeader(magic: string, writeBody: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  for (let i = 0; i < 8; i++) writer.u8(magic.charCodeAt(i));
  writer.skip(8);
  writeBody(writer);
  writer.setU32(8, writer.length - fixedBytes);
  writer.setU32(12, crc32c(writer.view(), 0, fixedBytes));
  return writer.toBytes();
}

/** Reads what `encodeFileHeader` wrote; `length` is where the rest of the file starts. @throws LogCorruptError */
export async function readFileHeader<T>(
  path: string,
  file: DiskFile,
  magic: string,
  readBody: (reader: ByteReader) => T,
): Promise<{ readonly body: T; readonly length: number }> {
  let bytes = await file.read(0, firstReadBytes);
  try {
    const fixed = new ByteReader(bytes);
    const found = String.fromCharCode(...fixed.bytes(8, "magic"));
    if (found !== magic) {
      // The last byte is the format's version.
      const rule =
        found.slice(0, -1) === magic.slice(0, -1)
          ? `is of version ${JSON.stringify(found.at(-1))} of the format, and this program reads ${JSON.stringify(magic.at(-1))}`
          : `must be ${JSON.stringify(magic)} (got ${JSON.stringify(found)})`;
      throw new MalformedError("magic", 0, rule);
    }
    const length = fixedBytes + fixed.u32("header length");
    const checksum = fixed.u32("header checksum");
    if (length > fixedBytes + maxBodyBytes) throw new MalformedError("header length", 8, `is impossible (${length})`);
    if (length > bytes.length) bytes = await file.read(0, length);
    const body = new ByteReader(bytes.subarray(0, length));
    body.bytes(fixedBytes, "header");
    if (bytes.length < length)
      throw new MalformedError("header", 0, `needs ${length} bytes, ${bytes.length} are there`);
    if (crc32c(bytes, 0, fixedBytes, length) !== checksum) {
      throw new MalformedError("header", 0, "must match its checksum");
    }
    const value = readBody(body);
    body.end("header");
    return { body: value, length };
  } catch (error) {
    if (error instanceof MalformedError) throw new LogCorruptError(path, error.offset, error.message, error);
    throw error;
  }
}
