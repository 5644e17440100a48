import { expect, it } from "vitest";
import { simulate } from "../../runtime/index.ts";
import { encodeFileHeader, readFileHeader } from "./file-header.ts";

const magic = "HFLOG\u0000\u00002";

it.each([
  ["HFLOG\u0000\u00003", 'is of version "3" of the format, and this program reads "2"'],
  ["OTHER\u0000\u00002", 'must be "HFLOG'],
])("refuses a file that begins with %j, and says why", async (found, reason) => {
  await simulate({ seed: 1 }, async (world) => {
    const process = world.process("a");
    const read = Promise.withResolvers<unknown>();
    process.start(async ({ disk }) => {
      const file = await disk.open("/file", { create: true });
      await file.write(0, [encodeFileHeader(found, (writer) => writer.u8(7))]);
      read.resolve(await readFileHeader("/file", file, magic, (reader) => reader.u8("body")).catch((error) => error));
    });
    expect(await read.promise).toMatchObject({ code: "LOG_CORRUPT", message: expect.stringContaining(reason) });
  });
});

it("reads what it has written", async () => {
  await simulate({ seed: 1 }, async (world) => {
    const read = Promise.withResolvers<unknown>();
    world.process("a").start(async ({ disk }) => {
      const file = await disk.open("/file", { create: true });
      await file.write(0, [encodeFileHeader(magic, (writer) => writer.u8(7))]);
      read.resolve(await readFileHeader("/file", file, magic, (reader) => reader.u8("body")));
    });
    expect(await read.promise).toMatchObject({ body: 7 });
  });
});
