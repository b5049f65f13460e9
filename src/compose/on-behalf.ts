import { onBehalfWithin, viewerSession } from "../adapters/postgres/connection/session-settings.ts";
import type { Viewer } from "../core/access/viewer.ts";
import type { ViewerSessions } from "../core/access/viewer-sessions.ts";
import type { TaskDefinition } from "../core/tasks/task-definition.ts";
import type { UnitOfWork } from "../core/transactions/transaction.ts";
import { requiredSession } from "../core/transactions/transaction.ts";

import type { SqlSession } from "../kernel/sql-session.ts";
import type { Deployment } from "./open-deployment.ts";

/** The connections for the app's tables: with auth.session, each transaction is the current viewer's. */
export function openAppTables(
  { session, ports, unitOfWorkOf }: Deployment,
  sessions: ViewerSessions | undefined,
): { readonly session: SqlSession; readonly unitOfWork: UnitOfWork } {
  if (sessions === undefined) {
    return { session, unitOfWork: ports.unitOfWork };
  }
  const unitOfWork = unitOfWorkOf(sessions);
  return { session: viewerSession(unitOfWork), unitOfWork };
}

/** The function, which runs on behalf of its request's viewer. Without sessions it stays as it is. */
export function onBehalf<Request extends { readonly viewer?: Viewer | undefined }, Result>(
  sessions: ViewerSessions | undefined,
  call: (request: Request) => Promise<Result>,
): (request: Request) => Promise<Result> {
  return sessions === undefined ? call : async (request) => sessions.as(request.viewer, () => call(request));
}

/** The definition, whose attempts and look-ups run on behalf of the task's viewer, whatever process runs them. */
export function definitionOnBehalf(sessions: ViewerSessions): (definition: TaskDefinition) => TaskDefinition {
  return (definition) => {
    const { handle, help, runInside, dependents } = definition;
    return {
      ...definition,
      handle: async (context) => sessions.as(context.task.viewer, () => handle(context)),
      ...(help && { help: async (context) => sessions.as(context.task.viewer, () => help(context)) }),
      ...(runInside && {
        runInside: async (inside) => sessions.as(inside.task.viewer, () => runInside(inside)),
      }),
      ...(dependents && {
        dependents: async (request) => {
          const found = await sessions.as(request.viewer, () => dependents(request));
          return (
            found && {
              ...found,
              // In the transaction of a launch, or of whoever lets a waiting task go on, which is the engine's.
              claims: (transaction, ids) =>
                sessions.as(request.viewer, () =>
                  onBehalfWithin(sessions, requiredSession(transaction), () =>
                    found.claims(transaction, ids),
                  ),
                ),
            }
          );
        },
      }),
    };
  };
}
