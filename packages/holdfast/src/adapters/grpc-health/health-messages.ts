/** `grpc.health.v1.HealthCheckResponse.ServingStatus`, by number. */
const statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** One message as gRPC frames it: not compressed, its length, a `HealthCheckRequest { string service = 1 }`. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, "utf8");
  // An empty text is the default, and not written.
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The status in a framed `HealthCheckResponse { ServingStatus status = 1 }`; undefined for what is none. */
export function decodeResponse(bytes: Buffer): string | undefined {
  if (bytes.length < 5 || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - 5) return undefined;
  let status = 0;
  for (let at = 5; at < bytes.length;) {
    const tag = readVarint(bytes, at);
    if (tag === undefined) return undefined;
    const value = readVarint(bytes, tag.end);
    if (value === undefined) return undefined;
    const wire = tag.value & 7;
    if (tag.value === 0x08) status = value.value;
    // Fields that a later version has may be numbers or texts; others are not passed over.
    if (wire === 0) at = value.end;
    else if (wire === 2) at = value.end + value.value;
    else return undefined;
  }
  return statuses[status] ?? "UNKNOWN";
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 0x80) return Buffer.from(bytes);
  }
}

function readVarint(bytes: Buffer, from: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = from, shift = 0; at < bytes.length && shift < 32; at++, shift += 7) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}
