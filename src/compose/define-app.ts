import type { PowerCrudApp } from "./powercrud-app.ts";

/** Types an app where it is written. */
export function defineApp(app: PowerCrudApp): PowerCrudApp {
  return app;
}
