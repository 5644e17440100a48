import { readFileSync, writeFileSync } from "node:fs";
import { renderRecording, type LiveRecording } from "holdfast/telemetry";
import { environmentError, usageError } from "../cli/exit.ts";

/** Where a recording goes. */
export interface RecordingFile {
  /** Gives what there is to say of it. @throws ExitError (environment) */
  write(recording: LiveRecording): string;
}

/** Built with the dashboard's page: the same place seen from the source and from what is published. */
const builtTemplate: URL = new URL("../../dashboard/recording.html", import.meta.url);

/**
 * A page that plays the recording (`.html`), or the recording alone (`.json`). What stands in the way is said before there
 * is anything to write.
 *
 * @throws ExitError when the name ends otherwise (usage), or the page is not built (environment)
 */
export function recordingFile(path: string, template: URL = builtTemplate): RecordingFile {
  if (!/\.(html|json)$/.test(path)) throw usageError(`--recording must end in .html or .json (got ${path})`);
  const page = path.endsWith(".html") ? readTemplate(template) : undefined;
  return {
    write(recording) {
      try {
        writeFileSync(path, page === undefined ? `${JSON.stringify(recording)}\n` : renderRecording(page, recording));
      } catch (error) {
        throw environmentError(`the recording ${path} cannot be written: ${(error as Error).message}`, error);
      }
      const { messages, omitted } = recording;
      const left = omitted === undefined ? "" : `; left out ${omitted.states} states and ${omitted.events} events`;
      return `Recording: ${path}, ${messages.length} messages${left}`;
    },
  };
}

function readTemplate(template: URL): string {
  try {
    return readFileSync(template, "utf8");
  } catch (error) {
    throw environmentError(
      "the page that plays recordings is not built here: run npm run page in the repository, or write a .json file",
      error,
    );
  }
}
