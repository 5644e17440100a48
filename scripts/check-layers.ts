import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkLayers } from "./layers.ts";

const root = join(import.meta.dirname, "..");
const paths = globSync(["packages/*/src/**/*.{ts,tsx}", "{bench,examples,scripts,test}/**/*.ts"], { cwd: root }).sort();
const files = paths.map((path) => ({
  path: path.replaceAll("\\", "/"),
  text: readFileSync(join(root, path), "utf8"),
}));

const findings = checkLayers(files);
for (const finding of findings) console.log(finding);
console.log(`${files.length} files, ${findings.length} findings`);
if (findings.length > 0) process.exitCode = 1;
