import type { LiveProvider } from "@refinedev/core";
import { modelOf } from "./models.ts";
import { followRecords } from "./service.ts";

/** Lists and records on the page follow what anybody writes, and who locks them. */
export const liveProvider: LiveProvider = {
  subscribe({ channel, params = {}, callback }) {
    const { resource = "", id, ids = id === undefined ? undefined : [id] } = params;
    return followRecords(modelOf(resource).name, (changed) => {
      // A list may have other records now; a record's page asks for its own only.
      const isShown =
        changed === null || ids === undefined || ids.some((one) => changed.includes(String(one)));
      if (isShown)
        callback({ channel, type: "updated", payload: { ids: [...(changed ?? [])] }, date: new Date() });
    });
  },
  unsubscribe: (end: () => void) => end(),
};
