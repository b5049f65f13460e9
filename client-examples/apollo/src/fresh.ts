import { client } from "./client.ts";
import { CITIES_AGAIN, CITY_EVENTS } from "./documents.ts";

/** What comes within this time after a reading is read together, in ms. */
const PAUSE_MS = 300;

interface CityEvents {
  readonly recordEvents: {
    readonly type: string;
    readonly recordIds: readonly string[];
    readonly isAll: boolean;
  };
}

/** Keeps cities fresh, wherever the page shows them. @returns what stops it */
export function keepCitiesFresh(): () => void {
  let due = { ids: new Set<string>(), lists: false };
  let isReading = false;
  /** One request at a time: one that is under way may have been answered before the change, and equal ones share it. */
  async function readAgain() {
    if (isReading) return;
    isReading = true;
    while (due.lists || due.ids.size > 0) {
      const { ids, lists } = due;
      due = { ids: new Set(), lists: false };
      if (lists)
        await client.refetchQueries({ updateCache: (cache) => cache.evict({ fieldName: "cities" }) });
      if (ids.size > 0) {
        const variables = { ids: [...ids].slice(0, 100) };
        await client.query({ query: CITIES_AGAIN, variables, fetchPolicy: "network-only" });
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    isReading = false;
  }
  const start = () => void readAgain().catch(() => (isReading = false));
  const events = client.subscribe<CityEvents>({ query: CITY_EVENTS }).subscribe(({ data }) => {
    if (data === undefined) return;
    const { type, recordIds, isAll } = data.recordEvents;
    for (const id of recordIds) {
      if (type === "DELETED") client.cache.evict({ id: client.cache.identify({ __typename: "City", id }) });
      else due.ids.add(id);
    }
    due.lists ||= isAll || type === "CREATED" || due.ids.size > 100;
    start();
  });
  return () => events.unsubscribe();
}
