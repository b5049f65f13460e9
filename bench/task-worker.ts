import type { TaskProcess } from "./task-project.ts";
import { openTaskProject } from "./task-project.ts";

// A worker in a process of its own, until SIGTERM. Its argument is a TaskProcess as JSON.
const powercrud = await openTaskProject(JSON.parse(process.argv[2] ?? "{}") as TaskProcess);
await powercrud.start();
process.once("SIGTERM", () => {
  void powercrud.stop().then(() => process.exit());
});
console.log("ready");
