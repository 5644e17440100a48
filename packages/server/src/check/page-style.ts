/** Text on a surface and on its bars has a contrast of at least 4.5 to 1, in the light and in the dark. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --surface: #ffffff; --raised: #f4f5f7; --text: #1c2024; --muted: #5a626b; --line: #dfe2e6;
  --ok: #1f6f5c; --fail: #7a828c; --unknown: #b25e09; --violation: #c81e3a; --order: #3b3fb6;
  --on-bar: #ffffff; --on-order: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --surface: #14171a; --raised: #1e2226; --text: #e8eaed; --muted: #a0a8b2; --line: #31363c;
    --ok: #4fb79c; --fail: #8b949e; --unknown: #e3a04b; --violation: #ff6b7d; --order: #b3b5ff;
    --on-bar: #0c1413; --on-order: #14171a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--surface); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
header, main { padding: 12px 20px; }
h1 { margin: 0 0 4px; font-size: 18px; overflow-wrap: anywhere; }
h2 { margin: 0 0 6px; font-size: 14px; }
p { margin: 0 0 8px; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.5 ui-monospace, monospace; }
summary { cursor: pointer; overflow-wrap: anywhere; font: 12px/1.5 ui-monospace, monospace; }
.verdict { display: inline-block; padding: 1px 10px; margin-right: 8px; border-radius: 10px; border: 2px solid; }
.verdict.ok { color: var(--ok); }
.verdict.violation { color: var(--violation); }
.verdict.unknown { color: var(--unknown); }
.muted { color: var(--muted); }
.tools { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; margin-bottom: 8px; }
button, select {
  font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
  padding: 4px 10px; max-width: 22em;
}
button:disabled, select:disabled { color: var(--muted); }
:focus-visible { outline: 3px solid var(--order); outline-offset: 1px; }
.chart { position: relative; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
canvas { display: block; width: 100%; height: 60vh; touch-action: none; }
#empty { position: absolute; inset: 40px 0 auto; text-align: center; }
#tip {
  position: absolute; z-index: 1; width: max-content; max-width: 300px; padding: 6px 10px; pointer-events: none;
  background: var(--raised); border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 2px 8px #0004;
}
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1px 12px; margin: 0; font-size: 12.5px; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; }
#tip dd { max-height: 6em; overflow: hidden; }
[hidden] { display: none !important; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 16px; margin-top: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 8px 0 0; padding: 0; list-style: none; font-size: 12.5px; }
.legend span { display: inline-block; width: 22px; height: 12px; margin-right: 6px; vertical-align: -1px; }
.legend .ok { background: var(--ok); }
.legend .fail { border: 1px solid var(--fail); }
.legend .unknown { border: 1px dashed var(--unknown); border-right: 0; }
.legend .violation { background: var(--violation); }
.legend .order { background: var(--order); border-radius: 6px; width: 12px; }
kbd { font: 11px ui-monospace, monospace; border: 1px solid var(--line); border-radius: 3px; padding: 0 4px; }
`;
