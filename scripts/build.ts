import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleRooms } from "./bundle-rooms.ts";

const library = join(import.meta.dirname, "..", "packages", "holdfast");
rmSync(join(library, "dist"), { recursive: true, force: true });
await bundleRooms(library, join(library, "dist"));
