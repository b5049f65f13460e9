/**
 * What the transports may know of a subscription's items. An item of such a field is executed once for all operations with
 * the same document, variables and viewer, so the resolvers below it may differ by these only, and the root field's resolver
 * must not read its arguments.
 */
export interface EventSharing {
  /** What an event stream's client gives back to go on after the item; undefined where it cannot. */
  readonly idOf?: (item: object) => string | undefined;
}

/** The member of a subscription field's extensions that holds its {@link EventSharing}. */
export const EVENT_SHARING = "powercrudEventSharing";

const END = Object.freeze({ done: true, value: undefined });

/**
 * What a subscription's resolver returns to a client that comes back for more where nothing more will come. An event stream's
 * client is told so, and does not come back again.
 */
export const NOTHING_MORE: AsyncIterableIterator<never, undefined> = {
  next: () => Promise.resolve(END),
  return: () => Promise.resolve(END),
  [Symbol.asyncIterator]: () => NOTHING_MORE,
};
