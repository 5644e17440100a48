import type { JSX } from "preact";

/** Shapes that differ without their colour. */
const paths = {
  good: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm-3 6.7 2.1 2.1L11.2 6",
  warn: "M8 1.8 15 14H1L8 1.8Zm0 4.4v3.6m0 1.6v.4",
  bad: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2l3.7-3.7Zm.5 4.2 4.6 4.6m0-4.6-4.6 4.6",
  plain: "M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  idle: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Z",
  stopped: "M3 3h10v10H3Z",
  silent: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 5v3.4l2.2 1.6",
  leader: "M2 12.5h12M2.5 10 2 4.5l3.4 2.6L8 3l2.6 4.1L14 4.5 13.5 10Z",
  cluster:
    "M8 4.5v3m-1 1.6-2.6 2m4.6-2 2.6 2M8 1.8a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8ZM3.4 11a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8Zm9.2 0a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8ZM8 7.4a.9.9 0 1 0 0 1.8.9.9 0 0 0 0-1.8Z",
  services: "M2 2.5h5v5H2Zm7 0h5v5H9ZM2 9.5h5v4H2Zm7 0h5v4H9Z",
  events: "M2 4h2m2 0h8M2 8h2m2 0h8M2 12h2m2 0h8",
  keys: "M5.5 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Zm3 3H15m-2 0v2.6M11 8v1.8",
  work: "M3 2.5h10v11H3Zm2.5 3.4.9.9L8 5.2M9.3 6H11m-5.5 4 .9.9L8 9.3M9.3 10H11",
  faults: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8Z",
  heal: "M8 3v10M3 8h10",
  pause: "M5.5 3.5v9m5-9v9",
  play: "M4.5 3v10l8-5Z",
  cut: "M2 2l12 12M2 14 14 2",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6ZM8 1v1.6m0 10.8V15M1 8h1.6m10.8 0H15M3 3l1.2 1.2m7.6 7.6L13 13M3 13l1.2-1.2m7.6-7.6L13 3",
  help: "M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6m0 2v.4",
} as const;

export type IconName = keyof typeof paths;

/** Beside words that say the same: hidden from those who hear the page. */
export function Icon({ name, label }: { readonly name: IconName; readonly label?: string }): JSX.Element {
  return (
    <svg
      class={`icon icon-${name}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      {...(label === undefined ? { "aria-hidden": "true" } : { role: "img", "aria-label": label })}
    >
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linejoin="round"
        stroke-linecap="round"
      />
    </svg>
  );
}
