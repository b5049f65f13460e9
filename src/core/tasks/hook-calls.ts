import type { FinalStep } from "./task-hooks.ts";

/** A call of a settled task's hook that has not ended. */
export interface HookCall {
  readonly taskId: string;
  readonly step: FinalStep;
}

/** Which calls to take over. */
export interface OverdueCalls {
  readonly at: Date;
  /** Of a process that has been silent about its call since then. */
  readonly silentSince: Date;
  /** The steps to take of every task. */
  readonly steps: readonly FinalStep[];
  /** The steps to take of the tasks of single kinds. */
  readonly ofKinds: readonly { readonly kind: string; readonly step: FinalStep }[];
  readonly limit: number;
}

/** The calls of final hooks that are still to be made. They are written with the settlement, by the process that is to make them. */
export interface HookCalls {
  /** Keeps others from taking the call over. False where it has been made already. */
  keepHookCall(call: HookCall, at: Date): Promise<boolean>;
  /** The call has ended, well or badly: nobody makes it again. */
  endHookCall(call: HookCall): Promise<void>;
  /**
   * Takes calls over whose process seems to be dead, oldest first. Of a task's two, `cleanup` comes once the other has ended
   * and the task is cleaned. Of several processes at once, one gets a call.
   */
  takeHookCalls(overdue: OverdueCalls): Promise<readonly HookCall[]>;
}
