import type { Address } from "../runtime/index.ts";
import type { Message } from "./message.ts";
import type { Packet } from "./swim-effects.ts";

/** Puts what goes to one address in one step into as few packets as it fits, in the order of first mention. */
export function mergePackets(
  packets: readonly Packet[],
  maxBytes: number,
  sizeOf: (message: Message) => number,
): readonly Packet[] {
  if (packets.length < 2) return packets;
  const open = new Map<string, { readonly to: Address; messages: Message[]; bytes: number }>();
  const merged: Packet[] = [];
  for (const { to, messages } of packets) {
    const key = addressKey(to);
    const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0);
    const before = open.get(key);
    if (before !== undefined && before.bytes + bytes <= maxBytes) {
      before.messages.push(...messages);
      before.bytes += bytes;
      continue;
    }
    const packet = { to, messages: [...messages], bytes };
    open.set(key, packet);
    merged.push(packet);
  }
  return merged;
}

/** Equal for equal addresses. */
export function addressKey({ host, port }: Address): string {
  return `${host} ${port}`;
}
