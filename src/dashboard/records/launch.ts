import type { Connection } from "../api/connection.ts";
import type { OnConflict } from "../generated/graphql.ts";
import { launchDocument } from "../models/list-document.ts";
import type { Shape } from "../models/shape.ts";

/** The records that a bulk operation is aimed at: a filter or ids, as the API takes them. */
export interface Target {
  /** How many there were when it was chosen. */
  readonly count: number;
  readonly selection: Readonly<Record<string, unknown>>;
}

/** What is done to many records. */
export type BulkVerb = "update" | "delete";

/** A change of fields, as the API takes it: `{population: {increment: 1}}`. */
export type BulkChange = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A record that another task holds. */
export interface Conflict {
  readonly recordId: string;
  readonly heldBy: {
    readonly id: string;
    readonly kind: string;
    readonly label: string | null;
    readonly progress: { readonly percent: number | null; readonly etaMs: number | null };
  };
}

/** What came of a launch. */
export type Launched =
  | { readonly kind: "launched"; readonly taskId: string }
  | { readonly kind: "conflict"; readonly total: number; readonly conflicts: readonly Conflict[] }
  | { readonly kind: "refused"; readonly message: string };

interface LaunchAnswer {
  readonly launch: {
    readonly __typename: string;
    readonly task?: { readonly id: string };
    readonly message?: string;
    readonly totalConflicts?: number;
    readonly conflicts?: readonly Conflict[];
    readonly problems?: readonly { readonly field: string | null; readonly message: string }[];
  };
}

/** Room for records that came to match since the page was read. */
const SPARE = 1.1;

/** Launches a bulk update or delete of the target. */
export async function launchBulk(
  connection: Connection,
  shape: Shape,
  asked: {
    readonly verb: BulkVerb;
    readonly target: Target;
    /** Of a delete nothing. */
    readonly change: BulkChange;
    readonly isDryRun: boolean;
    readonly onConflict: OnConflict;
  },
): Promise<Launched> {
  const { verb, target, change, isDryRun, onConflict } = asked;
  const { launch } = await connection.request<LaunchAnswer, object>(launchDocument(shape, verb), {
    ...(verb === "update" ? { data: change } : {}),
    selection: target.selection,
    options: {
      dryRun: isDryRun,
      onConflict,
      errorPolicy: "SKIP_FAILED",
      mode: "ASYNC",
      maxAffected: Math.ceil(target.count * SPARE) + 1,
    },
  });
  if (launch.task !== undefined) {
    return { kind: "launched", taskId: launch.task.id };
  }
  if (launch.conflicts !== undefined) {
    return { kind: "conflict", total: launch.totalConflicts ?? 0, conflicts: launch.conflicts };
  }
  const problems = launch.problems?.map(({ message }) => message) ?? [];
  return { kind: "refused", message: problems.length > 0 ? problems.join(" ") : (launch.message ?? "") };
}
