import type { JSX } from "preact";

/** Why there is nothing to show, and the way to open a file that has something. */
export function RecordingPrompt({
  problem,
  onText,
}: {
  readonly problem: string;
  readonly onText: (text: string) => void;
}): JSX.Element {
  return (
    <main class="token" id="content">
      <h1>No recording to show</h1>
      <p class="note bad" role="alert">
        {problem}
      </p>
      <label>
        Open a recording (JSON){" "}
        <input
          type="file"
          accept=".json,application/json"
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? [];
            void file?.text().then(onText);
          }}
        />
      </label>
    </main>
  );
}
