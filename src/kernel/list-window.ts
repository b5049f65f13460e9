/** A part of an ordered list: so many items after one place or before another, from the front or from the end. */
export interface ListWindow<Place> {
  /** Only what follows this place. Default: from the start. */
  readonly after?: Place;
  /** Only what precedes this place. Default: to the end. */
  readonly before?: Place;
  /** At most this many items. */
  readonly limit: number;
  /** Takes the last items instead of the first; they come in the list's order all the same. Default: false. */
  readonly isBackward?: boolean;
}

/**
 * The items of a whole list that a window shows.
 * @param compare the item with a place in the list: negative in front of it, 0 at it, positive behind it
 */
export function takeWindow<Item, Place>(
  items: readonly Item[],
  { after, before, limit, isBackward = false }: ListWindow<Place>,
  compare: (item: Item, place: Place) => number,
): readonly Item[] {
  const within = items.filter(
    (item) =>
      (after === undefined || compare(item, after) > 0) &&
      (before === undefined || compare(item, before) < 0),
  );
  return isBackward ? within.slice(Math.max(0, within.length - limit)) : within.slice(0, limit);
}
