import type { CancelOutcome } from "./cancel-task.ts";
import type { TaskRequest } from "./change-task.ts";
import type { PauseOutcome } from "./pause-task.ts";
import type { ResumeOutcome } from "./resume-task.ts";

/** What viewers can do about an unsettled task. */
export interface TaskControls {
  cancelTask(request: TaskRequest): Promise<CancelOutcome>;
  pauseTask(request: TaskRequest): Promise<PauseOutcome>;
  resumeTask(request: TaskRequest): Promise<ResumeOutcome>;
}
