import type { ComponentChildren, JSX } from "preact";

let numbered = 0;

/** A part of a view with its heading. */
export function Card({
  title,
  tools,
  wide = false,
  children,
}: {
  readonly title: string;
  readonly tools?: ComponentChildren;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}): JSX.Element {
  const id = idFor(title);
  return (
    <section class={wide ? "card wide" : "card"} aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id} dir="auto">
          {title}
        </h2>
        {tools}
      </header>
      {children}
    </section>
  );
}

const ids = new Map<string, string>();

/** The same title has the same id on each drawing; views have each title once. */
function idFor(title: string): string {
  const known = ids.get(title);
  if (known !== undefined) return known;
  if (ids.size > 500) ids.clear();
  const id = `card-${++numbered}`;
  ids.set(title, id);
  return id;
}

/** What stands where nothing is to be shown, and why. */
export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}
