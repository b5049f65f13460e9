import { useState } from "react";
import type { Refusal, Task } from "./service.ts";
import { mutate, Refused, REFUSAL, TASK } from "./service.ts";
import { useTask } from "./use-task.ts";

const SETTLED = ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"];

/** What the mutation takes: `{ selection: { where }, data: { population: { increment: 1 } }, options }`. */
export interface BulkUpdate {
  readonly selection: object;
  readonly data: object;
  readonly options?: object;
}

/**
 * A bulk update of a model, from its launch to its end.
 * @param model its name in the API: `City` @param plural the name of its list, with a capital: `Cities`
 */
export function useBulkUpdate(model: string, plural: string) {
  const [launched, setLaunched] = useState<{ id?: string; refusal?: Refusal }>({});
  const { task } = useTask(launched.id);
  const act = async (mutation: string, variables: object) => {
    try {
      const { task: answered } = await mutate<{ task: Task }>(mutation, variables);
      setLaunched({ id: answered.id });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setLaunched((before) => ({ ...before, refusal: error.refusal }));
    }
  };
  return {
    task,
    /** Why the launch, or the cancellation, was refused: branch on its code. */
    refusal: launched.refusal,
    isRunning: launched.id !== undefined && !SETTLED.includes(task?.status ?? ""),
    launch: (update: BulkUpdate) =>
      act(
        `mutation ($selection: ${model}Selection!, $data: ${model}BulkUpdateInput!, $options: BulkOptions) {
          result: bulkUpdate${plural}(selection: $selection, data: $data, options: $options) {
            ... on TaskLaunched { task { ${TASK} } }
            ${REFUSAL}
          }
        }`,
        update,
      ),
    cancel: () =>
      act(
        `mutation ($id: ID!) {
          result: cancelTask(id: $id) {
            ... on CancelAccepted { task { ${TASK} } }
            ... on Error { code message }
          }
        }`,
        { id: launched.id },
      ),
  };
}
