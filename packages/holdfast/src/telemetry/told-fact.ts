import { toldError } from "./told-error.ts";

const maxText = 1_024;
const maxCharacters = 16_384;
const maxValues = 1_000;
const maxDepth = 8;

/** What there is room for in one event. */
interface Room {
  characters: number;
  values: number;
  isShort: boolean;
}

/** The fields of a fact, of bounded size and with nothing in them that JSON has no word for. */
export interface ToldFact {
  readonly fields: Readonly<Record<string, unknown>>;
  /** There was more than there is room for. */
  readonly isShort: boolean;
}

/** Copies them, so that nobody changes afterwards what others are told. Throws what a getter of theirs throws. */
export function toldFact(fact: object): ToldFact {
  const room = { characters: maxCharacters, values: maxValues, isShort: false };
  const fields = toldMembers(fact, room, 1);
  return { fields, isShort: room.isShort };
}

function toldValue(value: unknown, room: Room, depth: number): unknown {
  switch (typeof value) {
    case "number":
    case "boolean":
    case "undefined":
      return value;
    case "string":
      return toldText(value, room);
    case "object":
      return value === null ? null : toldObject(value, room, depth);
    default:
      // A bigint, a symbol or a function.
      return toldText(String(value), room);
  }
}

function toldText(text: string, room: Room): string {
  const most = Math.max(1, Math.min(maxText, room.characters));
  const isShort = text.length > most;
  room.isShort ||= isShort;
  const told = isShort ? `${text.slice(0, most - 1)}…` : text;
  room.characters -= told.length;
  return told;
}

function toldObject(value: object, room: Room, depth: number): unknown {
  if (value instanceof Error) return Object.freeze(toldError(value));
  if (depth >= maxDepth) {
    room.isShort = true;
    return null;
  }
  if (!Array.isArray(value)) return Object.freeze(toldMembers(value, room, depth + 1));
  const items: unknown[] = [];
  for (let at = 0; at < value.length && hasRoom(room); at++) items.push(toldValue(value[at], room, depth + 1));
  return Object.freeze(items);
}

function toldMembers(value: object, room: Room, depth: number): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (!hasRoom(room)) break;
    const shown = toldText(name, room);
    // Not by assignment: `__proto__` is a name like any other.
    const member = { value: toldValue((value as Record<string, unknown>)[name], room, depth) };
    Object.defineProperty(members, shown, { ...member, enumerable: true, configurable: true, writable: true });
  }
  return members;
}

function hasRoom(room: Room): boolean {
  if (room.values-- > 0 && room.characters > 0) return true;
  room.isShort = true;
  return false;
}
