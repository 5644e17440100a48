import { Buffer } from "node:buffer";
import { grpcCode } from "../grpc/status-code.ts";
import { RequestError } from "../etcd/status.ts";

const wellFormed = /^[A-Za-z0-9+/]*={0,2}$/;

/** Reads standard base64 with padding; line ends inside are ignored. @throws RequestError naming the byte that is wrong */
export function decodeBase64(text: string, path: string): Uint8Array {
  const packed = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, "") : text;
  // Node's decoder skips what it does not know and forgives missing padding, so the form is checked first.
  if (packed.length % 4 !== 0 || !wellFormed.test(packed)) {
    throw new RequestError(
      grpcCode.INVALID_ARGUMENT,
      `${path} must be base64: illegal base64 data at input byte ${firstWrongByte(text)}`,
    );
  }
  return Buffer.from(packed, "base64");
}

/** The first character outside the alphabet or after the padding, else where the incomplete last group starts. */
function firstWrongByte(text: string): number {
  const wrong = /[^A-Za-z0-9+/=\r\n]|=(?=[\r\n]*[^=\r\n])|={3,}/.exec(text);
  return wrong === null ? text.length - (text.length % 4) : wrong.index;
}

export function encodeBase64(bytes: Uint8Array): string {
  const view = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.toString("base64");
}
