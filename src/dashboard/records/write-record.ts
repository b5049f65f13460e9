import type { Connection } from "../api/connection.ts";
import { writeDocument } from "../models/list-document.ts";
import type { RecordRow } from "../models/list-document.ts";
import type { Shape } from "../models/shape.ts";

/** What came of a write of one record. */
export type Written =
  | {
      readonly kind: "written";
      /** As it is now; of a deleted one, and of one that was deleted since, nothing. */
      readonly record: RecordRow | undefined;
    }
  /** Somebody else changed it since it was read: as it is now. */
  | { readonly kind: "stale"; readonly current: RecordRow }
  | { readonly kind: "held"; readonly message: string }
  | {
      readonly kind: "refused";
      readonly message: string;
      /** By the names of fields. */
      readonly problems: ReadonlyMap<string, string>;
    };

interface WriteAnswer {
  readonly write: {
    readonly __typename: string;
    readonly record?: RecordRow | null;
    readonly current?: RecordRow;
    readonly code?: string;
    readonly message?: string;
    readonly problems?: readonly { readonly field: string | null; readonly message: string }[];
  };
}

/**
 * Writes one record.
 * @param variables those of {@link writeDocument}
 */
export async function writeRecord(
  connection: Connection,
  shape: Shape,
  verb: "create" | "update" | "delete",
  variables: Readonly<Record<string, unknown>>,
): Promise<Written> {
  const document = writeDocument(shape, verb);
  const { write } = await connection.request<WriteAnswer, object>(document, variables);
  const { code, message = "", problems = [], current } = write;
  if (code === undefined) {
    return { kind: "written", record: write.record ?? undefined };
  }
  if (current !== undefined) {
    return { kind: "stale", current };
  }
  if (code === "CONFLICT") {
    return { kind: "held", message };
  }
  return {
    kind: "refused",
    message,
    problems: new Map(problems.flatMap((one) => (one.field === null ? [] : [[one.field, one.message]]))),
  };
}
