import { signal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly yes: string;
}

const asked: Signal<(Question & { answer(yes: boolean): void }) | null> = signal(null);

/** Asks; a question that is asked meanwhile takes the place of this one, which then counts as refused. */
export function confirmed(question: Question): Promise<boolean> {
  asked.peek()?.answer(false);
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer(yes) {
        resolve(yes);
        if (asked.peek()?.answer === this.answer) asked.value = null;
      },
    };
  });
}

export function ConfirmDialog(): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asked.value;
  useEffect(() => {
    if (question !== null) dialog.current?.showModal();
  }, [question]);
  /** Closed before it is gone, a dialog gives the focus back to what it had it from. */
  const answer = (yes: boolean): void => {
    dialog.current?.close();
    question?.answer(yes);
  };
  if (question === null) return null;
  return (
    <dialog
      ref={dialog}
      role="alertdialog"
      aria-describedby="confirm-text"
      aria-labelledby="confirm-title"
      onClose={() => question.answer(false)}
    >
      <h2 id="confirm-title">{question.title}</h2>
      <p id="confirm-text">{question.text}</p>
      <div class="tools">
        <button type="button" class="primary" onClick={() => answer(true)}>
          {question.yes}
        </button>
        <button type="button" autofocus onClick={() => answer(false)}>
          Leave it
        </button>
      </div>
    </dialog>
  );
}
