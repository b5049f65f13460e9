import type { PowerCrud } from "../../compose/create-powercrud.ts";
import type { AnswerOptions, LaunchOutcome } from "../answer-task.ts";
import { answerLaunch } from "../answer-task.ts";
import type { CliContext } from "../cli-context.ts";
import { showProgress } from "../show-progress.ts";
import { parseViewer, UsageError } from "../usage.ts";
import { withClient } from "../with-client.ts";

/** The options of `powercrud import`: those of `POST /imports/<Model>`, and how to answer. */
export interface ImportCommandOptions extends AnswerOptions {
  readonly model: string;
  /** Where to write the rows that were not written; waits until the task is settled. */
  readonly failed?: string;
  /** JSON of a viewer. Default: an anonymous one. */
  readonly viewer?: string;
  /** By the names of the parameters of the HTTP address. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** `powercrud import`: writes a file's rows as a task, and follows it if asked to. */
export async function importRows(
  context: CliContext,
  file: string,
  options: ImportCommandOptions,
): Promise<void> {
  const { model, parameters, failed } = options;
  if (options.preview === true && parameters["dryRun"] !== "true") {
    throw new UsageError("--preview shows what a dry run would change; add --dry-run.");
  }
  const { viewer = { id: null } } = parseViewer(options.viewer);
  const { importFile, writeFailedRows } = await import("../../compose/import-file.ts");
  await withClient(context, async (powercrud) => {
    const display = showProgress(process.stderr, (line) => context.say(line), "sending", " bytes");
    const onProgress = display.update.bind(display);
    const { stopSignal: signal } = context;
    const given = { file, model, viewer, parameters, onProgress, signal };
    const outcome = await importFile(powercrud, given).finally(() => display.end());
    if (outcome.kind === "UNUSABLE") {
      throw new UsageError(outcome.problems.map(({ message }) => message).join(" "));
    }
    const isFollowed = options.follow === true || failed !== undefined;
    if (outcome.kind === "LAUNCHED") {
      await sayLeftOut(context, powercrud, outcome.task.id);
    }
    await answerLaunch(context, powercrud, outcome as LaunchOutcome, { ...options, follow: isFollowed });
    if (outcome.kind === "LAUNCHED" && failed !== undefined) {
      await writeFailedRows(powercrud, outcome.task.id, failed);
    }
  });
}

async function sayLeftOut(
  context: CliContext,
  { imports }: Pick<PowerCrud, "imports">,
  taskId: string,
): Promise<void> {
  const { readOnlyColumns = [] } = (await imports.find([taskId])).get(taskId) ?? {};
  if (readOnlyColumns.length > 0) {
    context.say(`read-only columns, of which nothing is taken: ${readOnlyColumns.join(", ")}`);
  }
}
