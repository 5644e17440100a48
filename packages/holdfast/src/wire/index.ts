export { ByteReader } from "./byte-reader.ts";
export { ByteWriter } from "./byte-writer.ts";
export { crc32c } from "./crc32c.ts";
export { beginFrame, defaultMaxFrameBytes, encodeFrame, endFrame, FrameDecoder } from "./frame.ts";
export type { FrameDecoderOptions, FrameOptions } from "./frame.ts";
export { MalformedError } from "./malformed-error.ts";
