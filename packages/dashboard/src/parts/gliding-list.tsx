import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const glideMs = 350;

/**
 * A list whose items glide to their new places when their order changes, so that the eye, and a hand about to press, can
 * follow. Whoever wants no motion sees them change places at once. `order`: the keys, which tell when to look.
 */
export function GlidingList({
  name,
  order,
  children,
}: {
  readonly name: string;
  readonly order: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  const before = useRef<ReadonlyMap<Element, DOMRect>>(new Map());
  const last = useRef(order);
  // Where they stand is measured while they still do: this is drawn before the list itself changes.
  if (list.current !== null && last.current !== order) before.current = placesOf(list.current);

  useLayoutEffect(() => {
    if (last.current === order) return;
    last.current = order;
    const { current } = list;
    if (current === null || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const now = placesOf(current);
    for (const [item, to] of now) {
      const from = before.current.get(item);
      if (from === undefined || (from.x === to.x && from.y === to.y)) continue;
      const start = `translate(${from.x - to.x}px, ${from.y - to.y}px)`;
      item.animate([{ transform: start }, { transform: "none" }], { duration: glideMs, easing: "ease-out" });
    }
    before.current = new Map();
  }, [order]);

  return (
    <ul class={name} ref={list}>
      {children}
    </ul>
  );
}

function placesOf(list: HTMLElement): Map<Element, DOMRect> {
  return new Map(Array.from(list.children, (item) => [item, item.getBoundingClientRect()]));
}
