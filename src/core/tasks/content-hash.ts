import { createHash } from "node:crypto";
import type { Json } from "../../kernel/json.ts";
import { canonicalJson } from "../../kernel/json.ts";

/** SHA-256 of the content in hex; the same for equal content, however its keys are ordered. */
export function contentHash(content: Json): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}
