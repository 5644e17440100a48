/** Of each kind of system its own: the list that travels beside a trace, most recent first. */
const maxMembers = 32;
/** What everybody must pass on at least (W3C Trace Context Level 2, 3.3.1.5). */
const maxLength = 512;
/** Longer members go first when there is not room for all. */
const longMember = 128;
/** A list that is longer than any that can be within the rules is not looked at. */
const maxRead = 16_384;

const keyForm = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
/** No comma, no equals sign, and no space at the end. */
const valueForm = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * A `tracestate` as it is passed on: its members without spaces around them, empty ones left out, cut to 512 characters
 * by whole members. Empty for one that breaks a rule (W3C Trace Context Level 2, 3.3.1): then none of it is to be trusted.
 */
export function readTraceState(header: unknown): string {
  const text = Array.isArray(header) ? header.join(",") : header;
  if (typeof text !== "string" || text.length > maxRead) return "";
  const members = text
    .split(",")
    .map((member) => trimmed(member))
    .filter((member) => member !== "");
  if (members.length > maxMembers) return "";
  const keys = new Set<string>();
  for (const member of members) {
    const at = member.indexOf("=");
    const key = member.slice(0, at);
    if (at < 0 || !keyForm.test(key) || !valueForm.test(member.slice(at + 1)) || keys.has(key)) return "";
    keys.add(key);
  }
  return fitted(members);
}

/** The value of one member; undefined when there is none. */
export function traceStateValue(traceState: string, key: string): string | undefined {
  const member = traceState.split(",").find((one) => one.startsWith(`${key}=`));
  return member?.slice(key.length + 1);
}

/** The list with one member new or changed, which then comes first. The same list for a key or value against the rules. */
export function withTraceState(traceState: string, key: string, value: string): string {
  if (!keyForm.test(key) || !valueForm.test(value)) return traceState;
  const others = traceState.split(",").filter((member) => member !== "" && !member.startsWith(`${key}=`));
  return fitted([`${key}=${value}`, ...others.slice(0, maxMembers - 1)]);
}

function fitted(members: string[]): string {
  const lengthOf = (): number => members.reduce((sum, { length }) => sum + length + 1, -1);
  for (let at = members.length - 1; at >= 0 && lengthOf() > maxLength; at--) {
    if ((members[at]?.length ?? 0) > longMember) members.splice(at, 1);
  }
  while (members.length > 0 && lengthOf() > maxLength) members.pop();
  return members.join(",");
}

/** Spaces and tabs, which the rules allow around members; not everything that `trim` takes. */
function trimmed(member: string): string {
  return member.replace(/^[ \t]+|[ \t]+$/g, "");
}
