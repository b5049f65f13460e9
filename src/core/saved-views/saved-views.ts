import type { Clock } from "../../kernel/clock.ts";
import { createId } from "../../kernel/ids.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { isStorableText } from "../../kernel/json.ts";
import type { Viewer } from "../access/viewer.ts";
import type { RecordProblem, ValidationRefusal } from "../refusals/problems.ts";
import { invalid, problem } from "../refusals/problems.ts";
import type { ForbiddenRefusal, MissingRefusal } from "../refusals/refusals.ts";
import type { SavedView, SavedViewStore } from "./saved-view-store.ts";

/** What a caller wants to keep. */
export interface SavedViewRequest {
  /** The view to change; left out, a new one is made. */
  readonly id?: string | undefined;
  readonly model: string;
  readonly name: string;
  readonly state?: unknown;
  readonly isShared: boolean;
}

/** What came of saving a view. */
export type SavedViewOutcome =
  | { readonly kind: "SAVED"; readonly view: SavedView }
  | ValidationRefusal
  | MissingRefusal
  | ForbiddenRefusal;

/** What came of deleting a view. */
export type DeletedViewOutcome =
  | { readonly kind: "DELETED"; readonly id: string }
  | MissingRefusal
  | ForbiddenRefusal;

/** What people may do with saved views: their own, and the shared ones. */
export interface SavedViews {
  /** The viewer's own and the shared ones of a model; none of a model that the viewer may not read. */
  list(model: string, viewer: Viewer): Promise<readonly SavedView[]>;
  save(request: SavedViewRequest, viewer: Viewer): Promise<SavedViewOutcome>;
  remove(id: string, viewer: Viewer): Promise<DeletedViewOutcome>;
  /** Whether the viewer may change and delete it: the owner may, and administrators. */
  mayChange(view: SavedView, viewer: Viewer): boolean;
}

/** What it needs. */
export interface SavedViewPorts {
  readonly store: SavedViewStore;
  readonly clock: Pick<Clock, "now">;
  readonly mayRead: (model: string, viewer: Viewer) => boolean;
  /** Whether callers must identify themselves. Where not, everybody is the same viewer, who may do everything. */
  readonly isAuthRequired: boolean;
  readonly isAdmin: (viewer: Viewer) => boolean;
}

/** The most views of a model that a viewer can have. */
const MOST_VIEWS = 100;
/** The most that are listed: a viewer's own, and as many shared ones as fit. */
const MOST_LISTED = 500;
const LONGEST_NAME = 100;
/** Of its state as JSON, in characters. */
const LARGEST_STATE = 20_000;

export function createSavedViews(ports: SavedViewPorts): SavedViews {
  const { store, mayRead, isAuthRequired } = ports;
  return {
    list: async (model, viewer) =>
      mayRead(model, viewer) ? store.list({ model, viewerId: viewer.id, limit: MOST_LISTED }) : [],
    async save(request, viewer) {
      if (!mayRead(request.model, viewer) || (isAuthRequired && viewer.id === null)) {
        return { kind: "FORBIDDEN", message: `You may keep no views of ${request.model}.` };
      }
      const problems = problemsOf(request);
      if (problems.length > 0) {
        return invalid(problems);
      }
      return request.id === undefined
        ? add(ports, request, viewer)
        : change(ports, { ...request, id: request.id }, viewer);
    },
    async remove(id, viewer) {
      const found = await findOwn(ports, id, viewer);
      if ("kind" in found) {
        return found;
      }
      await store.remove(id);
      return { kind: "DELETED", id };
    },
    mayChange: (view, viewer) => mayChange(ports, view, viewer),
  };
}

function mayChange({ isAuthRequired, isAdmin }: SavedViewPorts, view: SavedView, viewer: Viewer): boolean {
  return !isAuthRequired || isAdmin(viewer) || (viewer.id !== null && view.createdBy === viewer.id);
}

/** The view, if the viewer may change it; a view that the viewer does not see is missing. */
async function findOwn(
  ports: SavedViewPorts,
  id: string,
  viewer: Viewer,
): Promise<SavedView | MissingRefusal | ForbiddenRefusal> {
  const view = await ports.store.find(id);
  const isOwn = view !== undefined && mayChange(ports, view, viewer);
  if (view === undefined || !ports.mayRead(view.model, viewer) || !(view.isShared || isOwn)) {
    return {
      kind: "MISSING",
      message: `There is no saved view ${id.slice(0, 60)}, or it is not for you to see.`,
    };
  }
  return isOwn
    ? view
    : { kind: "FORBIDDEN", message: "This saved view is another viewer's. Save one of your own." };
}

async function add(
  { store, clock }: SavedViewPorts,
  request: SavedViewRequest,
  viewer: Viewer,
): Promise<SavedViewOutcome> {
  const now = clock.now();
  const { model } = request;
  const at = { createdBy: viewer.id, createdAt: now, updatedAt: now };
  const view = { id: createId(now), model, ...contentOf(request), ...at };
  return (await store.add(view, MOST_VIEWS))
    ? { kind: "SAVED", view }
    : invalid([problem(`You have ${MOST_VIEWS} views of ${model}, which is the most. Delete one first.`)]);
}

async function change(
  ports: SavedViewPorts,
  request: SavedViewRequest & { readonly id: string },
  viewer: Viewer,
): Promise<SavedViewOutcome> {
  const found = await findOwn(ports, request.id, viewer);
  if ("kind" in found) {
    return found;
  }
  if (found.model !== request.model) {
    return invalid([problem(`It is a view of ${found.model}, and stays one.`, "model")]);
  }
  const view = await ports.store.change(request.id, contentOf(request), ports.clock.now());
  return view === undefined
    ? { kind: "MISSING", message: "The saved view was deleted meanwhile." }
    : { kind: "SAVED", view };
}

function contentOf({
  name,
  state,
  isShared,
}: SavedViewRequest): Pick<SavedView, "name" | "state" | "isShared"> {
  return { name: name.trim(), state: state as JsonObject, isShared };
}

function problemsOf({ name, state }: SavedViewRequest): readonly RecordProblem[] {
  const { length } = name.trim();
  return [
    ...(length === 0 || length > LONGEST_NAME
      ? [problem(`A name has from 1 to ${LONGEST_NAME} characters.`, "name")]
      : []),
    ...(isStorableText(name) ? [] : [problem(UNSTORABLE, "name")]),
    ...stateProblems(state),
  ];
}

const UNSTORABLE = "It cannot hold NUL characters or halves of characters.";

function stateProblems(state: unknown): readonly RecordProblem[] {
  if (typeof state !== "object" || state === null || Array.isArray(state)) {
    return [problem("The state of a view is a JSON object.", "state")];
  }
  let isStorable = true;
  const { length } = JSON.stringify(state, (key, value: unknown) => {
    isStorable &&= isStorableText(key) && (typeof value !== "string" || isStorableText(value));
    return value;
  });
  return [
    ...(isStorable ? [] : [problem(UNSTORABLE, "state")]),
    ...(length <= LARGEST_STATE
      ? []
      : [problem(`The state of a view has at most ${LARGEST_STATE} characters of JSON.`, "state")]),
  ];
}
