import type { PowerCrud } from "../compose/create-powercrud.ts";
import type { Json } from "../kernel/json.ts";

type Viewer = NonNullable<NonNullable<Parameters<PowerCrud["tasks"]["cancel"]>[1]>["viewer"]>;

/** The command was used wrongly: exit code 2. The message says what would be right. */
export class UsageError extends Error {}

/** @param option names the JSON in the error: `--input` @throws UsageError for text that is no JSON */
export function parseJson(option: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${option} needs JSON, such as '{"name": "value"}': ${reason}`);
  }
}

/** A viewer as an option of a launch. @throws UsageError unless it is JSON with an id */
export function parseViewer(text: string | undefined): { readonly viewer?: Viewer } {
  if (text === undefined) {
    return {};
  }
  const viewer = parseJson("--viewer", text);
  const {
    id,
    roles = [],
    claims = {},
  } = typeof viewer === "object" && viewer !== null ? (viewer as Partial<Viewer>) : {};
  if (typeof id !== "string" && id !== null) {
    throw new UsageError(`--viewer needs JSON with an id, such as '{"id": "anna"}'`);
  }
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === "string") || !isPlain(claims)) {
    throw new UsageError(
      `--viewer: roles is a list of texts, and claims an object, such as '{"id": "anna", "roles": ["admin"], "claims": {"tenant": "a"}}'`,
    );
  }
  return { viewer: viewer as unknown as Viewer };
}

function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
