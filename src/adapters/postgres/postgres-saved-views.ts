import { isUuid } from "../../kernel/ids.ts";
import type { JsonObject } from "../../kernel/json.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type { SavedView, SavedViewStore } from "../../core/saved-views/saved-view-store.ts";
import {
  ADD_SAVED_VIEW,
  CHANGE_SAVED_VIEW,
  FIND_SAVED_VIEW,
  LIST_SAVED_VIEWS,
  REMOVE_SAVED_VIEW,
} from "./sql/saved-views.ts";

interface Row {
  readonly id: string;
  readonly model: string;
  readonly created_by: string | null;
  readonly name: string;
  readonly state: JsonObject;
  readonly is_shared: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Saved views as rows of `powercrud.saved_view`. One statement each. */
export function createPostgresSavedViews({ session }: { readonly session: SqlSession }): SavedViewStore {
  const query = async (text: string, values: readonly unknown[]): Promise<readonly SavedView[]> =>
    (await session.query<Row>(text, values)).map(toSavedView);
  return {
    list: ({ model, viewerId, limit }) => query(LIST_SAVED_VIEWS, [model, viewerId, limit]),
    find: async (id) => (isUuid(id) ? (await query(FIND_SAVED_VIEW, [id]))[0] : undefined),
    async add({ id, model, createdBy, name, state, isShared, createdAt }, most) {
      const values = [id, model, createdBy, name, JSON.stringify(state), isShared, createdAt, most];
      return (await session.query(ADD_SAVED_VIEW, values)).length > 0;
    },
    async change(id, { name, state, isShared }, at) {
      const [view] = await query(CHANGE_SAVED_VIEW, [id, name, JSON.stringify(state), isShared, at]);
      return view;
    },
    remove: async (id) => isUuid(id) && (await session.query(REMOVE_SAVED_VIEW, [id])).length > 0,
  };
}

function toSavedView(row: Row): SavedView {
  const { id, model, name, state } = row;
  return {
    id,
    model,
    createdBy: row.created_by,
    name,
    state,
    isShared: row.is_shared,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
