import { commitLocalUpdate, ConnectionHandler, fetchQuery, requestSubscription } from "relay-runtime";
import { environment } from "./environment.ts";
import againQuery from "./__generated__/citiesAgainQuery.graphql.ts";
import citiesQuery from "./__generated__/citiesQuery.graphql.ts";
import eventsSubscription from "./__generated__/citiesEventsSubscription.graphql.ts";

/** What comes within this time after a reading is read together, in ms. */
const PAUSE_MS = 300;

interface CityEvents {
  readonly response: {
    readonly recordEvents: {
      readonly type: string;
      readonly recordIds: readonly string[];
      readonly isAll: boolean;
    };
  };
  readonly variables: object;
}

/** Keeps the cities of a country fresh. @returns what stops it */
export function keepCitiesFresh(country: string): () => void {
  const connection = ConnectionHandler.getConnectionID(country, "cities_cities");
  let due = { ids: new Set<string>(), lists: false };
  let isReading = false;
  /** One request at a time: one that is under way may have been answered before the change, and equal ones share it. */
  async function readAgain() {
    if (isReading) return;
    isReading = true;
    while (due.lists || due.ids.size > 0) {
      const { ids, lists } = due;
      due = { ids: new Set(), lists: false };
      if (lists) await fetchQuery(environment, citiesQuery, { country }).toPromise();
      if (ids.size > 0)
        await fetchQuery(environment, againQuery, { ids: [...ids].slice(0, 100) }).toPromise();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    isReading = false;
  }
  const start = () => void readAgain().catch(() => (isReading = false));
  const events = requestSubscription<CityEvents>(environment, {
    subscription: eventsSubscription,
    variables: {},
    onNext: (data) => {
      if (!data) return;
      const { type, recordIds, isAll } = data.recordEvents;
      if (type === "DELETED") {
        commitLocalUpdate(environment, (store) => {
          const list = store.get(connection);
          for (const id of recordIds) if (list) ConnectionHandler.deleteNode(list, id);
        });
      } else {
        for (const id of recordIds) due.ids.add(id);
      }
      due.lists ||= isAll || type === "CREATED" || due.ids.size > 100;
      start();
    },
  });
  return () => events.dispose();
}
