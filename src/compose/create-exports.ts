import type { GraphQLSchema } from "graphql";
import { createPostgresFileWriter } from "../adapters/postgres/files/postgres-file-writer.ts";
import { toDecimal } from "../adapters/prisma/column-from-json.ts";
import type { Config } from "../config/config.ts";
import { EXPORT_KIND, refuseExport } from "../core/files/export-task.ts";
import type { FileExports } from "../core/files/file-exports.ts";
import { createFileExports } from "../core/files/file-exports.ts";
import { coerceListJson } from "../graphql/models/list-json.ts";
import type { NameTable } from "../graphql/models/model-names.ts";
import type { LaunchOwnTask } from "../graphql/tasks/launch-fields.ts";
import type { ConnectedModels } from "./connect-models.ts";
import type { Engine } from "./engine.ts";

/** Exports of records, whose filters and orders are those of the schema's lists. */
export function createExports(parts: {
  readonly engine: Engine;
  readonly connected: Pick<ConnectedModels, "filePool">;
  readonly config: Pick<Config, "maxExports" | "exportTimeoutMs">;
  /** Looked at once somebody exports. */
  readonly schema: () => GraphQLSchema;
  readonly names: NameTable;
}): FileExports {
  const { engine, connected, config, schema, names } = parts;
  const { models, access, shapes, ports, deployment, sessions } = engine;
  const exports = createFileExports({
    models,
    access,
    clock: ports.clock,
    writer: createPostgresFileWriter({
      models,
      shapes,
      toDecimal,
      pool: connected.filePool,
      session: deployment.session,
      sessions,
    }),
    coerce: (model, json) => coerceListJson(schema(), names.of(model).many, json),
    maxExports: config.maxExports,
    timeoutMs: config.exportTimeoutMs,
  });
  if (sessions === undefined) {
    return exports;
  }
  const onBehalf =
    (open: FileExports["open"]): FileExports["open"] =>
    (reading, style, signal) =>
      sessions.as(reading.viewer, () => open(reading, style, signal));
  return { ...exports, open: onBehalf(exports.open), write: onBehalf(exports.write) };
}

/** Launches a task from the API. An export that its viewer cannot have is refused before there is a task. */
export async function launchOwnTask(
  engine: Pick<Engine, "launchCustom" | "watch">,
  exports: FileExports,
  launch: Parameters<LaunchOwnTask>[0],
): ReturnType<LaunchOwnTask> {
  const refusal =
    launch.kind === EXPORT_KIND ? await refuseExport(exports, launch.viewer, launch.input) : undefined;
  if (refusal === undefined) {
    return engine.launchCustom(launch);
  }
  const refuse = (): Promise<typeof refusal> => Promise.resolve(refusal);
  return (engine.watch?.launchCustom(refuse) ?? refuse)(launch);
}
