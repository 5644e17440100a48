import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { copyText } from "../browser/clipboard.ts";
import { announce } from "./announcer.tsx";

/** `what`: what it copies, for those who do not see where it stands. */
export function CopyButton({ text, what }: { readonly text: string; readonly what?: string }): JSX.Element {
  const said = useSignal("Copy");
  async function copy(): Promise<void> {
    said.value = (await copyText(text)) ? "Copied" : "Cannot copy here";
    announce(said.value);
  }
  return (
    <button type="button" onClick={() => void copy()}>
      {said.value}
      {what !== undefined && <span class="unseen"> {what}</span>}
    </button>
  );
}
