import { createHash } from "node:crypto";
import type { Plugin } from "vite";

/**
 * Puts scripts and styles into the page itself, whose policy then allows these and nothing else. They stand behind what is
 * shown before them: a file that was cut short in them still says something.
 */
export function singleFile(): Plugin {
  return {
    name: "single-file",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = Object.values(bundle).find(({ fileName }) => fileName.endsWith(".html"));
      if (page?.type !== "asset") throw new Error("there is no page to put everything into");
      const hashes: { script: string[]; style: string[] } = { script: [], style: [] };
      let html = String(page.source);
      let inside = "";
      for (const [name, part] of Object.entries(bundle)) {
        if (part === page) continue;
        delete bundle[name];
        if (part.type === "chunk") {
          // `</script` must not end the element, and only stands in texts.
          const code = part.code.replaceAll("</script", String.raw`<\/script`);
          html = replaceOnce(html, tagOf("script", name), "");
          inside += `<script type="module">${code}</script>\n`;
          hashes.script.push(hashOf(code));
        } else {
          const css = String(part.source);
          html = replaceOnce(html, tagOf("link", name), "");
          inside = `<style>${css}</style>\n${inside}`;
          hashes.style.push(hashOf(css));
        }
      }
      html = replaceOnce(html, /<!-- inside -->/, inside);
      page.source = replaceOnce(html, /%POLICY%/, policyOf(hashes));
    },
  };
}

function policyOf({
  script,
  style,
}: {
  readonly script: readonly string[];
  readonly style: readonly string[];
}): string {
  return [
    "default-src 'none'",
    `script-src ${script.join(" ")}`,
    `style-src ${style.join(" ")}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function tagOf(tag: "script" | "link", name: string): RegExp {
  const path = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`<${tag}[^>]*(?:src|href)="[^"]*${path}"[^>]*>${tag === "script" ? "</script>" : ""}`);
}

function replaceOnce(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`the page has no ${pattern.source}`);
  return text.replace(pattern, () => by);
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
