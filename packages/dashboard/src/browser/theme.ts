import { effect, signal, type Signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const stored = "holdfast-theme";
const themes: readonly Theme[] = ["system", "light", "dark"];

export const theme: Signal<Theme> = signal(fromStorage());

/** Goes up when colours change: what is drawn by hand is drawn anew. */
export const coloursVersion: Signal<number> = signal(0);

const colours = new Map<string, string>();

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system";
}

/** Keeps the page in the theme chosen. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
    try {
      localStorage.setItem(stored, theme.value);
    } catch {
      // Then it holds for this visit.
    }
    forgetColours();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", forgetColours);
}

function forgetColours(): void {
  colours.clear();
  coloursVersion.value = coloursVersion.peek() + 1;
}

/** A colour of the style sheet by the name of its property, as a canvas takes it. */
export function colourOf(name: string): string {
  const known = colours.get(name);
  if (known !== undefined) return known;
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  colours.set(name, color);
  return color;
}

function fromStorage(): Theme {
  try {
    return themes.find((each) => each === localStorage.getItem(stored)) ?? "system";
  } catch {
    return "system";
  }
}
