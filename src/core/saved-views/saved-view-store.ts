import type { JsonObject } from "../../kernel/json.ts";

/** A way to look at a model's list that somebody keeps: its filter, order and columns, under a name. */
export interface SavedView {
  readonly id: string;
  readonly model: string;
  /** The id of the viewer whose it is; null for the viewer of a service without authentication. */
  readonly createdBy: string | null;
  readonly name: string;
  /** What the client that saved it makes of a list. The service does not look into it. */
  readonly state: JsonObject;
  /** Whether all who may read the model see it. */
  readonly isShared: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What can be changed of a saved view. */
export type SavedViewContent = Pick<SavedView, "name" | "state" | "isShared">;

/** Keeps saved views. Who may do what with one is told by {@link SavedViews}. */
export interface SavedViewStore {
  /** Those of one viewer, and the shared ones of all others, by name; at most `limit`, the viewer's own first. */
  list(query: {
    readonly model: string;
    readonly viewerId: string | null;
    readonly limit: number;
  }): Promise<readonly SavedView[]>;
  find(id: string): Promise<SavedView | undefined>;
  /** @returns false, and keeps nothing, if its owner has that many of the model already */
  add(view: SavedView, most: number): Promise<boolean>;
  /** @returns the view as it is now; undefined if there is none */
  change(id: string, content: SavedViewContent, at: Date): Promise<SavedView | undefined>;
  /** @returns whether there was one */
  remove(id: string): Promise<boolean>;
}
