import type { Connection } from "../api/connection.ts";
import type { OnConflict } from "../generated/graphql.ts";
import { launchDocument } from "../models/list-document.ts";
import type { Shape } from "../models/shape.ts";

/** The records that a bulk operation is aimed at: a filter or ids, as the API takes them. */
export interface Target {
  /** How many there were when it was chosen. */
  readonly count: number;
  readonly selection: Readonly<Record<string, unknown>>;
  /** The ids of the first of them, on which a change is tried while it is typed. */
  readonly sample: readonly string[];
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

/** What is asked for. */
interface BulkAsked {
  readonly verb: BulkVerb;
  readonly target: Target;
  /** Of a delete nothing. */
  readonly change: BulkChange;
  /** Left out: it is done. SAMPLE: tried on the target's sample, with the answer; ALL: tried on all, in the background. */
  readonly dryRun?: "SAMPLE" | "ALL";
  readonly onConflict: OnConflict;
}

/** Launches a bulk update or delete of the target. */
export async function launchBulk(connection: Connection, shape: Shape, asked: BulkAsked): Promise<Launched> {
  const { verb, target, change } = asked;
  const { launch } = await connection.request<LaunchAnswer, object>(launchDocument(shape, verb), {
    ...(verb === "update" ? { data: change } : {}),
    selection: asked.dryRun === "SAMPLE" ? { ids: target.sample } : target.selection,
    options: {
      dryRun: asked.dryRun !== undefined,
      errorPolicy: "SKIP_FAILED",
      maxAffected: Math.ceil(target.count * SPARE) + 1,
      ...mannerOf(asked),
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

/** A try of a few records is over at once, waits for nobody, and is told to nobody. */
function mannerOf({ dryRun, onConflict }: BulkAsked): object {
  return dryRun === "SAMPLE"
    ? {
        mode: "SYNC",
        onConflict: onConflict === "WAIT" ? "SKIP" : onConflict,
        label: "Try on a few records",
        allowDuplicate: true,
        notify: [],
      }
    : { mode: "ASYNC", onConflict };
}
