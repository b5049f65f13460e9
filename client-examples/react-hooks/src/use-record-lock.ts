import { useEffect, useState } from "react";
import type { Task } from "./service.ts";
import { followRecords, request, TASK } from "./service.ts";

const LOCKS = `query ($model: ModelName!, $ids: [ID!]!) {
  recordLocks(model: $model, ids: $ids) { recordId heldBy { ${TASK} } }
}`;

/** The tasks that hold some records, by their ids; kept fresh. One subscription for all rows of a table. */
export function useRecordLocks(model: string, ids: readonly string[]): ReadonlyMap<string, Task> {
  const [holders, setHolders] = useState<ReadonlyMap<string, Task>>(new Map());
  const names = ids.join(" ");
  useEffect(() => {
    const asked = names === "" ? [] : names.split(" ");
    let newest = 0;
    async function read() {
      const mine = ++newest;
      const { recordLocks } = await request<{ recordLocks: { recordId: string; heldBy: Task }[] }>(LOCKS, {
        model,
        ids: asked,
      });
      if (mine === newest) setHolders(new Map(recordLocks.map(({ recordId, heldBy }) => [recordId, heldBy])));
    }
    const readAgain = () => void read().catch(console.error);
    const end = followRecords(model, (changed) => {
      if (changed === null || changed.some((id) => asked.includes(id))) readAgain();
    });
    return () => {
      newest = Infinity;
      end();
    };
  }, [model, names]);
  return holders;
}

/** The task that holds a record, or undefined: its form can be used. */
export const useRecordLock = (model: string, id: string) => useRecordLocks(model, [id]).get(id);
