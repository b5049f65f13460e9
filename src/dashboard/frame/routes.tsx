import { createRootRoute, createRoute, createRouter as create, redirect } from "@tanstack/react-router";
import { ImportPage } from "../imports/import-page.tsx";
import { ImportRunPage } from "../imports/import-run-page.tsx";
import { ImportStartPage } from "../imports/import-start-page.tsx";
import { HealthPage } from "../health/health-page.tsx";
import type { Window } from "../models/list-document.ts";
import { NotificationListPage } from "../notifications/notification-list-page.tsx";
import { ScheduleListPage } from "../schedules/schedule-list-page.tsx";
import type { Model } from "../models/model.ts";
import { Empty } from "../parts/notice.tsx";
import { readListSearch } from "../records/list-search.ts";
import { RecordListPage } from "../records/record-list-page.tsx";
import { RecordPage } from "../records/record-page.tsx";
import { TaskListPage } from "../tasks/task-list-page.tsx";
import { TaskPage } from "../tasks/task-page.tsx";
import { readTaskSearch } from "../tasks/task-search.ts";
import { App } from "./app.tsx";

const root = createRootRoute({
  component: App,
  notFoundComponent: () => <Empty>There is no such page.</Empty>,
});

const tasks = createRoute({
  getParentRoute: () => root,
  path: "/tasks",
  component: TaskListPage,
  validateSearch: readTaskSearch,
});

const task = createRoute({ getParentRoute: () => root, path: "/tasks/$id", component: TaskPage });

const records = createRoute({
  getParentRoute: () => root,
  path: "/records/$model",
  component: RecordListPage,
  validateSearch: readListSearch,
});

const record = createRoute({
  getParentRoute: () => root,
  path: "/records/$model/$id",
  component: RecordPage,
});

const importStart = createRoute({ getParentRoute: () => root, path: "/imports", component: ImportStartPage });

const importForm = createRoute({
  getParentRoute: () => root,
  path: "/imports/$model",
  component: ImportPage,
});

const importRun = createRoute({
  getParentRoute: () => root,
  path: "/imports/$model/$id",
  component: ImportRunPage,
});

const schedules = createRoute({
  getParentRoute: () => root,
  path: "/schedules",
  component: ScheduleListPage,
});

const notifications = createRoute({
  getParentRoute: () => root,
  path: "/notifications",
  component: NotificationListPage,
  validateSearch: (search: Record<string, unknown>): Window => search,
});

const health = createRoute({ getParentRoute: () => root, path: "/health", component: HealthPage });

/** @param models the first of them is what one sees first */
export function createRouter(models: readonly Model[]): ReturnType<typeof makeRouter> {
  return makeRouter(models);
}

function makeRouter(models: readonly Model[]) {
  const home = createRoute({
    getParentRoute: () => root,
    path: "/",
    beforeLoad: () => {
      const [first] = models;
      throw first === undefined
        ? redirect({ to: "/tasks" })
        : redirect({ to: "/records/$model", params: { model: first.name } });
    },
  });
  return create({
    routeTree: root.addChildren([
      home,
      tasks,
      task,
      records,
      record,
      importStart,
      importForm,
      importRun,
      schedules,
      notifications,
      health,
    ]),
    basepath: "/dashboard",
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
