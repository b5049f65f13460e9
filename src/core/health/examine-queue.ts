import type { TaskQueue } from "../tasks/task-queue.ts";
import type { Examination } from "./health-check.ts";

/** Whether the queue can be read. Leaves nothing in it. */
export function examineQueue(queue: Pick<TaskQueue, "count">): Examination {
  return {
    name: "queue",
    async examine() {
      const count = await queue.count();
      return { status: "OK", message: count === 1 ? "1 task waits in it." : `${count} tasks wait in it.` };
    },
  };
}
