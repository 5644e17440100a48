/** Parts of the page that have a name, and can take the focus of what went away in them. */
const landings = "dialog, form, article, section, [role='group'], main";

let wanted: string | undefined;

/** Says where the focus belongs when what has it goes away next: a button that closes something, to what opened it. */
export function returnFocusTo(selector: string): void {
  wanted = selector;
}

/**
 * Keeps the focus when a live update, or a press, takes away what had it: it goes to where somebody asked it to, else to
 * the closest part of the page around it that is still there. Whoever uses no mouse would start at the top again.
 */
export function keepFocus(): () => void {
  /** What has the focus, and all around it. */
  let chain: readonly HTMLElement[] = [];

  const hasIt = (): boolean => document.activeElement !== null && document.activeElement !== document.body;
  const isThere = (element: HTMLElement): boolean => element.isConnected && !element.matches(":disabled");

  function onFocus(event: FocusEvent): void {
    chain = around(event.target as HTMLElement);
  }

  /** Whoever takes the focus away by hand wants it nowhere. */
  function onBlur(): void {
    queueMicrotask(() => {
      const [last] = chain;
      if (!hasIt() && last !== undefined && isThere(last)) chain = [];
    });
  }

  function restore(): void {
    const [last] = chain;
    if (last === undefined || hasIt() || isThere(last)) return;
    const asked = wanted === undefined ? null : document.querySelector<HTMLElement>(wanted);
    wanted = undefined;
    const place =
      asked ??
      chain.find((each) => isThere(each) && each.matches(landings)) ??
      document.querySelector<HTMLElement>("main");
    if (place === null || place === undefined) return;
    if (asked === null && !place.hasAttribute("tabindex")) place.tabIndex = -1;
    place.focus({ preventScroll: asked === null });
  }

  const observer = new MutationObserver(restore);
  observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
  document.addEventListener("focusin", onFocus);
  document.addEventListener("focusout", onBlur);
  return () => {
    observer.disconnect();
    document.removeEventListener("focusin", onFocus);
    document.removeEventListener("focusout", onBlur);
  };
}

function around(element: HTMLElement): HTMLElement[] {
  const chain: HTMLElement[] = [];
  for (let each: HTMLElement | null = element; each !== null; each = each.parentElement) chain.push(each);
  return chain;
}
