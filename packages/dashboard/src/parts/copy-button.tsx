import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { copyText } from "../browser/clipboard.ts";

export function CopyButton({ text }: { readonly text: string }): JSX.Element {
  const said = useSignal("Copy");
  return (
    <button
      type="button"
      onClick={() => {
        void copyText(text).then((copied) => (said.value = copied ? "Copied" : "Cannot copy here"));
      }}
    >
      {said.value}
    </button>
  );
}
