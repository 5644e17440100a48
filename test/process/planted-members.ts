import { registerHooks } from "node:module";

/**
 * Loaded before a member (`node --import`), it gives the member the bug that `HOLDFAST_TEST_PLANT` names: whoever imports
 * the coordination room gets its members with the bug in them. Nothing of the product knows of it.
 */
const plant = process.env["HOLDFAST_TEST_PLANT"] ?? "";
const room = new URL("../../packages/holdfast/src/coordination/index.ts", import.meta.url).href;
const source = `
export * from "${room}?real";
import { createMember as create } from "${room}?real";
export const createMember = (options) => create({ ...options, plant: ${JSON.stringify(plant)} });
`;

registerHooks({
  resolve(specifier, context, next) {
    // The real one, under another name: its own imports and everybody else's stay what they are.
    if (specifier === `${room}?real`) return { url: room, shortCircuit: true };
    const found = next(specifier, context);
    return found.url === room && specifier === "holdfast/coordination" ? { ...found, url: `${room}?planted` } : found;
  },
  load(url, context, next) {
    return url === `${room}?planted` ? { format: "module", source, shortCircuit: true } : next(url, context);
  },
});
