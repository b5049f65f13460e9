import { requireMigrated } from "../../compose/migrations.ts";
import { sweepDeployment } from "../../compose/sweep-deployment.ts";
import type { CliContext } from "../cli-context.ts";
import { withDatabase } from "../with-database.ts";

/** The options of `powercrud sweep`. */
export interface SweepCommandOptions {
  /** Prints one JSON document instead of lines. */
  readonly json?: boolean;
}

type Report = Awaited<ReturnType<typeof sweepDeployment>>;

/** The explanation of each heading of the summary. */
const ACTIONS: Readonly<Record<keyof Report["summary"], string>> = {
  enqueued: "never reached the queue, and are in it now",
  rescued: "had lost their worker, and are in the queue again",
  cancelled: "had lost their worker and were to be cancelled",
  expired: "were reservations of processes that are gone; their records are free",
  paused: "had lost their worker and were to be paused",
  promoted: "had nothing left to wait for, and are in the queue now",
  failed: "had nothing left to wait for, and could not go on",
  cleaned: "were settled, and are cleaned up now",
  broken: "were imports whose file does not come any more",
  released: "held locks but were settled or do not exist; the locks are released",
  hooks: "calls of hooks were left by processes that are gone, and are made now",
  pruned: "were settled, have passed their retention time, and are deleted",
};

/** `powercrud sweep`: one pass of the sweeper, which may overlap with those of running processes. */
export async function sweepOnce(
  context: CliContext,
  { json: isJson = false }: SweepCommandOptions,
): Promise<void> {
  const { config, logger, projectDir, hasProjectFile } = context;
  await withDatabase(context, async (databaseUrl) => {
    await requireMigrated({ databaseUrl, projectDir, logger });
    const project = hasProjectFile ? { project: await context.loadProject() } : {};
    const report = await sweepDeployment({ databaseUrl, config, logger, ...project });
    const { isAsyncEnabled } = config;
    const lines = isJson
      ? [JSON.stringify({ isAsyncEnabled, ...report.summary, leftAlone: report.leftAlone }, null, 2)]
      : describe(report, isAsyncEnabled);
    lines.forEach((line) => context.print(line));
  });
}

function describe({ summary, leftAlone }: Report, isAsyncEnabled: boolean): string[] {
  const actions = Object.entries(ACTIONS).flatMap(([name, action]) => {
    const ids = summary[name as keyof Report["summary"]];
    return [`${name}: ${ids.length}${ids.length === 0 ? "" : ` (${action})`}`, ...ids.map((id) => `  ${id}`)];
  });
  return [
    ...(isAsyncEnabled
      ? []
      : [
          "async is disabled (POWERCRUD_ASYNC_ENABLED): tasks run in their requests, and only leftovers are swept",
        ]),
    ...actions,
    `left alone: ${leftAlone.length}`,
    ...leftAlone.map(({ taskId, reason }) => `  ${taskId}: ${reason}`),
  ];
}
