import { requireMigrated } from "../compose/pending-migrations.ts";
import { sweepDeployment } from "../compose/sweep-deployment.ts";
import type { CliContext } from "./cli-context.ts";
import { withDatabase } from "./with-database.ts";

/** The options of `powercrud sweep`. */
export interface SweepCommandOptions {
  /** Prints one JSON document instead of lines. */
  readonly json?: boolean;
}

type Report = Awaited<ReturnType<typeof sweepDeployment>>;

/** What became of the tasks, in the words of the summary. */
const DEEDS: Readonly<Record<keyof Report["summary"], string>> = {
  enqueued: "never reached the queue, and are in it now",
  rescued: "had lost their worker, and are in the queue again",
  cancelled: "had lost their worker and were to be cancelled",
  promoted: "waited for nobody any more, and are in the queue",
  cleaned: "were settled, and what they left behind is removed",
  released: "held locks and live no more; the locks are released",
  pruned: "were settled longer ago than tasks are kept, and are deleted",
};

/** `powercrud sweep`: one pass now, also while processes of the deployment make theirs. */
export async function sweepOnce(
  context: CliContext,
  { json: isJson = false }: SweepCommandOptions,
): Promise<void> {
  const { config, logger, projectDir } = context;
  await withDatabase(context, async (databaseUrl) => {
    await requireMigrated({ databaseUrl, projectDir, logger });
    const report = await sweepDeployment({ databaseUrl, config, logger });
    const { isAsyncEnabled } = config;
    const lines = isJson
      ? [JSON.stringify({ isAsyncEnabled, ...report.summary, leftAlone: report.leftAlone }, null, 2)]
      : describe(report, isAsyncEnabled);
    lines.forEach((line) => context.print(line));
  });
}

function describe({ summary, leftAlone }: Report, isAsyncEnabled: boolean): string[] {
  const deeds = Object.entries(DEEDS).flatMap(([name, deed]) => {
    const ids = summary[name as keyof Report["summary"]];
    return [`${name}: ${ids.length}${ids.length === 0 ? "" : ` (${deed})`}`, ...ids.map((id) => `  ${id}`)];
  });
  return [
    ...(isAsyncEnabled
      ? []
      : [
          "async is disabled (POWERCRUD_ASYNC_ENABLED): tasks run in their requests, only leftovers are swept",
        ]),
    ...deeds,
    `left alone: ${leftAlone.length}`,
    ...leftAlone.map(({ taskId, reason }) => `  ${taskId}: ${reason}`),
  ];
}
