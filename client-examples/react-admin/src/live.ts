// What others write and lock, on the page as it happens.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useDataProvider } from "ra-core";
import { useEffect } from "react";
import type { Lock } from "./data-provider.ts";
import { modelOf } from "./models.ts";
import { followRecords } from "./service.ts";

/** Reads what the page shows of a resource again when somebody writes or locks its records. */
export function useLive(resource: string): void {
  const client = useQueryClient();
  useEffect(
    () =>
      followRecords(modelOf(resource).name, () => {
        void client.invalidateQueries({ queryKey: [resource] });
      }),
    [client, resource],
  );
}

/**
 * The task that holds a record, or null: whoever edits it meanwhile is refused. Tasks lock what they write; there is no lock
 * to take by hand. Fresh where the page has `useLive`.
 */
export function useLock(resource: string, id: string): Lock | null {
  const provider = useDataProvider();
  const { data } = useQuery({
    queryKey: [resource, "getLock", id],
    queryFn: () => provider.getLock(resource, { id }) as Promise<{ data: Lock | null }>,
  });
  return data?.data ?? null;
}
