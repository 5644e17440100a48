import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { fromBase64, hexOf, jsonOf, keyLabel, textOf } from "../model/key-bytes.ts";
import { bytesText } from "../parts/number-text.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { usePage } from "../page-state.ts";

type Form = "text" | "hex" | "json";

const maxChars = 256 * 1024;

/** A key's value as text, as bytes, or as JSON laid out. */
export function KeyDetail({ encoded }: { readonly encoded: string }): JSX.Element {
  const { requests } = usePage();
  const value = useSignal<Uint8Array | null>(null);
  const problem = useSignal<string | null>(null);
  const form = useSignal<Form | null>(null);

  useEffect(() => {
    let isOver = false;
    async function load(): Promise<void> {
      try {
        const [kv] = (await requests?.range({ key: encoded }))?.kvs ?? [];
        if (isOver) return;
        if (kv === undefined) problem.value = "The key is gone.";
        else value.value = fromBase64(kv.value ?? "");
      } catch (error) {
        if (!isOver) problem.value = (error as Error).message;
      }
    }
    void load();
    return () => {
      isOver = true;
    };
  }, [encoded]);

  const bytes = value.value;
  const name = keyLabel(fromBase64(encoded));
  if (problem.value !== null) return <p role="alert">{problem.value}</p>;
  if (bytes === null) return <p>Reading…</p>;
  const text = textOf(bytes);
  const json = text === undefined ? undefined : jsonOf(text);
  const chosen =
    form.value ?? (json !== undefined && /^\s*[[{]/.test(text ?? "") ? "json" : text === undefined ? "hex" : "text");
  const shown = { text: text ?? "It is no text.", hex: hexOf(bytes), json: json ?? "It is no JSON." }[chosen];
  return (
    <>
      <p class="key-name">
        <b>{name}</b>, {bytesText(bytes.length)}
      </p>
      <div class="tools" role="group" aria-label="Show as">
        {(["text", "json", "hex"] as const).map((each) => (
          <button type="button" key={each} aria-pressed={chosen === each} onClick={() => (form.value = each)}>
            {each === "json" ? "JSON" : each}
          </button>
        ))}
        <CopyButton text={shown} />
      </div>
      <pre tabIndex={0} role="region" aria-label={`Value of ${name}`}>
        {shown.length > maxChars ? `${shown.slice(0, maxChars)}\n… and ${shown.length - maxChars} more` : shown}
      </pre>
    </>
  );
}
