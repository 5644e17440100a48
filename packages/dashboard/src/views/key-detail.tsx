import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { fromBase64, hexOf, jsonOf, keyLabel, textOf } from "../model/key-bytes.ts";
import { bytesText, clockText } from "../parts/number-text.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { usePage } from "../page-state.ts";

type Form = "text" | "hex" | "json";

const maxChars = 256 * 1024;

/** A key's value as text, as bytes, or as JSON laid out. */
export function KeyDetail({ encoded }: { readonly encoded: string }): JSX.Element {
  const { requests, clockMs } = usePage();
  const value = useSignal<{ readonly bytes: Uint8Array; readonly readAtMs: number } | null>(null);
  const asked = useSignal(0);
  const problem = useSignal<string | null>(null);
  const form = useSignal<Form | null>(null);

  useEffect(() => {
    let isOver = false;
    async function load(): Promise<void> {
      try {
        const [kv] = (await requests?.range({ key: encoded }))?.kvs ?? [];
        if (isOver) return;
        problem.value = kv === undefined ? "The key is gone." : null;
        if (kv !== undefined) value.value = { bytes: fromBase64(kv.value ?? ""), readAtMs: clockMs.peek() };
      } catch (error) {
        if (!isOver) problem.value = (error as Error).message;
      }
    }
    void load();
    return () => {
      isOver = true;
    };
  }, [encoded, asked.value]);

  const name = labelOf(encoded);
  if (problem.value !== null) return <p role="alert">{problem.value}</p>;
  if (value.value === null) return <p>Reading…</p>;
  const { bytes, readAtMs } = value.value;
  const text = textOf(bytes);
  const json = text === undefined ? undefined : jsonOf(text);
  const chosen =
    form.value ?? (json !== undefined && /^\s*[[{]/.test(text ?? "") ? "json" : text === undefined ? "hex" : "text");
  const shown = { text: text ?? "It is no text.", hex: hexOf(bytes), json: json ?? "It is no JSON." }[chosen];
  return (
    <>
      <p class="key-name">
        <bdi>
          <b>{name}</b>
        </bdi>
        , {bytesText(bytes.length)} <span class="muted">as read at {clockText(readAtMs).slice(0, 8)}</span>
      </p>
      <div class="tools" role="group" aria-label="Show as">
        {(["text", "json", "hex"] as const).map((each) => (
          <button type="button" key={each} aria-pressed={chosen === each} onClick={() => (form.value = each)}>
            {each === "json" ? "JSON" : each}
          </button>
        ))}
        <CopyButton text={shown} what="the value" />
        <button type="button" onClick={() => (asked.value += 1)}>
          Read again
        </button>
      </div>
      <pre tabIndex={0} dir="auto" role="region" aria-label={`Value of ${name}`}>
        {shown.length > maxChars ? `${shown.slice(0, maxChars)}\n… and ${shown.length - maxChars} more` : shown}
      </pre>
    </>
  );
}

/** A link may name what is no key. */
function labelOf(encoded: string): string {
  try {
    return keyLabel(fromBase64(encoded));
  } catch {
    return encoded;
  }
}
