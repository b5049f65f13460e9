import type { Service } from "../kernel/service.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { LoadViewer } from "../core/access/renew-viewer.ts";
import type { ViewerSessions } from "../core/access/viewer-sessions.ts";
import type { AccessRule } from "../core/access/access-rules.ts";
import type { Access } from "../core/access/access.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import type { HookTransactions } from "../core/records/hook-transactions.ts";
import type { RecordReader } from "../core/records/record-reader.ts";
import type { LaunchBulk } from "../core/bulk/bulk-request.ts";
import type { ChunkRecords } from "../core/bulk/chunk-records.ts";
import type { Imports } from "../core/imports/imports.ts";
import type { InlineLaunch } from "../core/tasks/launch/launch-own.ts";
import type { ShowPreviews } from "../core/bulk/preview.ts";
import type { RetryTask } from "../core/bulk/retry-task.ts";
import type { WriteOne } from "../core/bulk/write-one.ts";
import type { LockScopes } from "../core/locks/claim.ts";
import type { NotifyPolicy } from "../core/notifications/resolve-notify.ts";
import type { RunningAttempts } from "../core/tasks/run/running-attempts.ts";
import type { TaskPorts } from "../core/tasks/settle/task-ports.ts";
import type { TaskControls } from "../core/tasks/run/task-controls.ts";
import type { EngineWatch } from "./watch-engine.ts";
import type { CustomLaunch } from "../core/tasks/launch/launch-custom.ts";
import type { LaunchOutcome } from "../core/tasks/launch/launch-outcome.ts";
import type { LaunchPorts } from "../core/tasks/launch/launch-task.ts";
import type { DefinedTask } from "../core/tasks/define-task.ts";
import type { TaskHooks } from "../core/tasks/task-hooks.ts";
import type { TableShapes } from "../adapters/postgres/records/table-shape.ts";
import type { TextRows } from "../adapters/postgres/connection/text-rows.ts";
import type { Deployment, DeploymentOptions } from "./open-deployment.ts";

/** The options of createEngine. */
export interface EngineOptions extends DeploymentOptions {
  readonly modelOptions: ModelOptionsMap;
  /** The rule for what the models' options do not say. Default: everybody may. */
  readonly defaultAccess?: AccessRule | undefined;
  /** Reads the models; called once the database's tables can be read. */
  readonly readModels: (shapes: TableShapes) => Promise<ModelRegistry>;
  /** Writes chunks with the app's hooks or a viewer's scope. */
  readonly createChunkRecords: (readerOf: (session: SqlSession) => RecordReader) => ChunkRecords;
  /** Sends single statements over the app's connections. */
  readonly rows: TextRows;
  /** Reads what bulk operations select; see ReadConnections. Default: the engine's own connections do. */
  readonly reads?: TextRows;
  /** Runs the app's hooks in the same transactions. */
  readonly hookTransactions: HookTransactions;
  /** The app's own tasks, beside the bulk operations. */
  readonly tasks: readonly DefinedTask[];
  /** Prisma's client of the project, for those tasks and for hooks; asked for where it is used. */
  readonly client: () => unknown;
  /** On whose behalf statements on the app's tables are sent. Default: nobody's. */
  readonly sessions?: ViewerSessions | undefined;
  /** See RunTools. */
  readonly translateError?: (error: unknown) => unknown;
  readonly hooks?: TaskHooks | undefined;
  /** Looks on. Default: nobody does. */
  readonly watch?: EngineWatch;
  /** See TaskPorts. */
  readonly onSettled?: TaskPorts["onSettled"];
  readonly onPromoted?: TaskPorts["onPromoted"];
  readonly tracing?: TaskPorts["tracing"];
  /** See RenewViewerPorts. */
  readonly loadViewer?: LoadViewer | undefined;
  /** Whom the config wants to be told how tasks end. Default: nobody. */
  readonly notifyPolicy?: NotifyPolicy;
}

/** Everything that launches and runs tasks. Its stop closes all connections. */
export interface Engine extends Service {
  readonly ports: LaunchPorts &
    Pick<Deployment["ports"], "outbox" | "files"> & { readonly runningAttempts: RunningAttempts };
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  readonly shapes: TableShapes;
  /** For the app's tables, on behalf of the current viewer. */
  readonly appSession: SqlSession;
  readonly sessions: ViewerSessions | undefined;
  readonly access: Access;
  readonly lockScopes: LockScopes;
  readonly writeOne: WriteOne;
  readonly launchBulk: LaunchBulk;
  /** Launches one of the app's own tasks. @throws as launchCustom does */
  readonly launchCustom: (launch: CustomLaunch) => Promise<LaunchOutcome>;
  /** The same, wherever the caller is. @throws as launchOwn does */
  readonly launchOwn: (launch: CustomLaunch) => Promise<LaunchOutcome | InlineLaunch>;
  readonly retryTask: RetryTask;
  readonly imports: Imports;
  readonly controls: TaskControls;
  readonly showPreviews: ShowPreviews;
  readonly watch?: EngineWatch | undefined;
  readonly deployment: Deployment;
}
