/** `grpc.health.v1.HealthCheckResponse.ServingStatus`, by number. */
const statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

export type ServingStatus = (typeof statuses)[number];

/** `HealthCheckRequest { string service = 1 }` */
export function encodeService(service: string): Buffer {
  const name = Buffer.from(service, "utf8");
  // An empty text is the default, and not written.
  return name.length === 0 ? name : field(1, name);
}

/** Undefined for what is no `HealthCheckRequest`. */
export function decodeService(message: Buffer): string | undefined {
  let service = "";
  const isMessage = readFields(message, (tag, value) => {
    if (tag === 0x0a && typeof value !== "number") service = value.toString("utf8");
  });
  return isMessage ? service : undefined;
}

/** `HealthCheckResponse { ServingStatus status = 1 }` */
export function encodeStatus(status: ServingStatus): Buffer {
  const number = statuses.indexOf(status);
  return Buffer.from(number === 0 ? [] : [0x08, number]);
}

/** Undefined for what is no `HealthCheckResponse`; a status that a later version has is `UNKNOWN`. */
export function decodeStatus(message: Buffer): ServingStatus | undefined {
  let status = 0;
  const isMessage = readFields(message, (tag, value) => {
    if (tag === 0x08 && typeof value === "number") status = value;
  });
  return isMessage ? (statuses[status] ?? "UNKNOWN") : undefined;
}

/** `HealthListResponse { map<string, HealthCheckResponse> statuses = 1 }`: an entry holds its key and its value. */
export function encodeStatuses(statuses: ReadonlyMap<string, ServingStatus>): Buffer {
  const entries = [...statuses].map(([service, status]) =>
    field(1, Buffer.concat([encodeService(service), field(2, encodeStatus(status))])),
  );
  return Buffer.concat(entries);
}

/** Undefined for what is no `HealthListResponse`. */
export function decodeStatuses(message: Buffer): ReadonlyMap<string, ServingStatus> | undefined {
  const statuses = new Map<string, ServingStatus>();
  let isWhole = true;
  const isMessage = readFields(message, (tag, entry) => {
    if (tag !== 0x0a || typeof entry === "number") return;
    let status: ServingStatus | undefined = "UNKNOWN";
    // The key has the place that a request's service has.
    const service = decodeService(entry);
    const isEntry = readFields(entry, (part, value) => {
      if (part === 0x12 && typeof value !== "number") status = decodeStatus(value);
    });
    if (service === undefined || status === undefined || !isEntry) isWhole = false;
    else statuses.set(service, status);
  });
  return isMessage && isWhole ? statuses : undefined;
}

/** One request as gRPC frames it: not compressed, its length, the message. */
export function encodeRequest(service: string): Buffer {
  const message = encodeService(service);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The status in a framed response; undefined for what is none. */
export function decodeResponse(bytes: Buffer): ServingStatus | undefined {
  if (bytes.length < 5 || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - 5) return undefined;
  return decodeStatus(bytes.subarray(5));
}

/** Tells each field: its number and kind in one, and a number or bytes. False for what is no message. */
function readFields(message: Buffer, tell: (tag: number, value: number | Buffer) => void): boolean {
  for (let at = 0; at < message.length;) {
    const tag = readVarint(message, at);
    if (tag === undefined) return false;
    const value = readVarint(message, tag.end);
    if (value === undefined) return false;
    const wire = tag.value & 7;
    at = value.end;
    // Fields that a later version has may be numbers or texts; others are not passed over.
    if (wire === 0) tell(tag.value, value.value);
    else if (wire !== 2) return false;
    else {
      at += value.value;
      if (at > message.length) return false;
      tell(tag.value, message.subarray(value.end, at));
    }
  }
  return true;
}

/** One whose content is bytes. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content]);
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
