import type { LiveRecording } from "./live-message.ts";

const place: RegExp = /(<script type="application\/json" id="recording">)(<\/script>)/;

/**
 * Puts a recording into the dashboard's page for recordings (`recording.html` of the built dashboard): one file that opens
 * in any browser and needs nothing else. Each message stands in a line of its own, so that a file that was cut short
 * still shows what it has.
 *
 * @throws Error when the template has no place for a recording
 */
export function renderRecording(template: string, recording: LiveRecording): string {
  if (!place.test(template)) throw new Error("the template has no place for a recording: is it recording.html?");
  const { messages, ...head } = recording;
  const opening = JSON.stringify(head).slice(0, -1);
  const lines = messages.map((each) => JSON.stringify(each)).join(",\n");
  const text = escapeForHtml(`${opening},"messages":[\n${lines}\n]}`);
  return template.replace(place, (_all, before: string, after: string) => `${before}${text}${after}`);
}

/** Nothing in the data may end the element it stands in. */
function escapeForHtml(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
