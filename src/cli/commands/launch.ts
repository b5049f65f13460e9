import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

import type { PowerCrudConfig } from "../../compose/define-config.ts";
import type { Json } from "../../kernel/json.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import type { CliContext } from "../cli-context.ts";
import { answerLaunch } from "../answer-task.ts";
import type { AnswerOptions, LaunchOutcome } from "../answer-task.ts";
import { parseJson, parseViewer, UsageError } from "../usage.ts";
import { withClient } from "../with-client.ts";

/** The options of `powercrud launch`. */
export interface LaunchCommandOptions extends AnswerOptions {
  /** JSON, `@` and a file with it, or `-` for standard input. Default: `{}` if the task takes input. */
  readonly input?: string;
  readonly dryRun?: boolean;
  readonly label?: string;
  readonly idempotencyKey?: string;
  readonly ifUnfinished?: "RETURN" | "RETRY";
  readonly allowDuplicate?: boolean;
  /** Stands in line for records that are held. */
  readonly wait?: boolean;
  /** JSON of a viewer. Default: an anonymous one. */
  readonly viewer?: string;
}

/** `powercrud launch`: launches one of the project's own tasks, and follows it if asked to. */
export async function launch(
  context: CliContext,
  kind: string,
  options: LaunchCommandOptions,
): Promise<void> {
  const { tasks = [] } = await context.loadProject();
  const definition = tasks.find((task) => task.kind === kind);
  if (definition === undefined) {
    throw unknownKind(kind, tasks);
  }
  const input = await readInput(options.input ?? (definition.input === undefined ? "null" : "{}"));
  const viewer = parseViewer(options.viewer);
  const { dryRun, label, idempotencyKey, ifUnfinished, allowDuplicate } = options;
  const given = { dryRun, label, idempotencyKey, ifUnfinished, allowDuplicate };
  const launchOptions = {
    ...viewer,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(options.wait === true ? { onConflict: "WAIT" as const } : {}),
  };
  await withClient(context, async (powercrud) => {
    const outcome = await powercrud.tasks.launch(kind, input, launchOptions);
    // No command runs inside a task.
    await answerLaunch(context, powercrud, outcome as LaunchOutcome, options);
  });
}

function unknownKind(kind: string, tasks: NonNullable<PowerCrudConfig["tasks"]>): UsageError {
  const kinds = tasks.map((task) => task.kind);
  const nearest = nearestName(kind, kinds);
  const known = kinds.length === 0 ? "it has none." : `it has ${kinds.join(", ")}.`;
  return new UsageError(
    `the project has no task of the kind "${kind}"; ${nearest === undefined ? known : `did you mean ${nearest}?`}`,
  );
}

async function readInput(given: string): Promise<Json> {
  return parseJson("--input", await textOf(given));
}

async function textOf(given: string): Promise<string> {
  if (given === "-") {
    return text(process.stdin);
  }
  if (!given.startsWith("@")) {
    return given;
  }
  const file = given.slice(1);
  return readFile(file, "utf8").catch((error: unknown) => {
    throw new UsageError(
      `--input: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}
