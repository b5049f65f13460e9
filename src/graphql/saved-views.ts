import type { SavedView } from "../core/saved-views/saved-view-store.ts";
import type { DeletedViewOutcome, SavedViewOutcome, SavedViews } from "../core/saved-views/saved-views.ts";
import { refusalTypeOf } from "../core/refusals/refusals.ts";
import type { SchemaContext, SchemaContributor } from "./builder.ts";

/** The query `savedViews`, the mutations `saveView` and `deleteSavedView`, and their types. */
export function addSavedViews(views: SavedViews): SchemaContributor {
  return (schema) => {
    const { builder, refs } = schema;
    const view = defineSavedView(schema, views);
    const { saved, deleted } = defineResults(schema, view);
    builder.queryField("savedViews", (t) =>
      t.field({
        type: [view],
        description:
          "The caller's saved views of a model's list, and then those that others share, each by name. None of a model that the caller may not read.",
        args: { model: t.arg({ type: refs.modelName, required: true }) },
        resolve: async (_root, { model }, { viewer }) => [...(await views.list(model, viewer))],
      }),
    );
    builder.mutationFields((t) => ({
      saveView: t.field({
        type: saved,
        description:
          "Keeps a way to look at a model's list, at most 100 of a model. Only its owner, or an administrator, changes one.",
        args: {
          id: t.arg.id({ description: "The view to change. Default: a new one." }),
          model: t.arg({ type: refs.modelName, required: true }),
          name: t.arg.string({ required: true, description: "At most 100 characters." }),
          state: t.arg({
            type: "JSON",
            required: true,
            description:
              "An object of the client's own, such as its filter, order and columns; at most 20000 characters.",
          }),
          isShared: t.arg.boolean({
            defaultValue: false,
            description: "Whether all who may read the model see it.",
          }),
        },
        resolve: (_root, { id, isShared, ...request }, { viewer }) =>
          views.save({ ...request, id: id ?? undefined, isShared: isShared ?? false }, viewer),
      }),
      deleteSavedView: t.field({
        type: deleted,
        description: "Deletes a saved view. Only its owner may, or an administrator.",
        args: { id: t.arg.id({ required: true }) },
        resolve: (_root, { id }, { viewer }) => views.remove(id, viewer),
      }),
    }));
  };
}

function defineSavedView({ builder, refs }: SchemaContext, views: SavedViews) {
  return builder.objectRef<SavedView>("SavedView").implement({
    description: "A way to look at a model's list that somebody keeps: its filter, order and columns.",
    fields: (t) => ({
      id: t.exposeID("id"),
      model: t.expose("model", { type: refs.modelName }),
      name: t.exposeString("name"),
      state: t.expose("state", { type: "JSON", description: "As it was saved." }),
      isShared: t.exposeBoolean("isShared", {
        description: "Whether all who may read the model see it.",
      }),
      createdBy: t.exposeID("createdBy", {
        nullable: true,
        description: "Whose it is; null where callers need not identify themselves.",
      }),
      canChange: t.boolean({
        description: "Whether the caller may change and delete it.",
        resolve: (view, _args, { viewer }) => views.mayChange(view, viewer),
      }),
      createdAt: t.expose("createdAt", { type: "DateTime" }),
      updatedAt: t.expose("updatedAt", { type: "DateTime" }),
    }),
  });
}

type Saved = Extract<SavedViewOutcome, { kind: "SAVED" }>;
type Deleted = Extract<DeletedViewOutcome, { kind: "DELETED" }>;

function defineResults({ builder, refs }: SchemaContext, view: ReturnType<typeof defineSavedView>) {
  const saved = builder.objectRef<Saved>("ViewSaved").implement({
    description: "The saved view as it is now.",
    fields: (t) => ({ view: t.expose("view", { type: view }) }),
  });
  const deleted = builder.objectRef<Deleted>("ViewDeleted").implement({
    description: "The saved view is deleted.",
    // Not `id`: caches would take it for the view itself.
    fields: (t) => ({ viewId: t.exposeID("id") }),
  });
  return {
    saved: builder.unionType("SaveViewResult", {
      description: "The saved view, or why it was not kept.",
      types: [saved, refs.validationError, refs.notFoundError, refs.forbiddenError],
      resolveType: ({ kind }) => (kind === "SAVED" ? "ViewSaved" : refusalTypeOf(kind)),
    }),
    deleted: builder.unionType("DeleteSavedViewResult", {
      description: "That the saved view is deleted, or why not.",
      types: [deleted, refs.notFoundError, refs.forbiddenError],
      resolveType: ({ kind }) => (kind === "DELETED" ? "ViewDeleted" : refusalTypeOf(kind)),
    }),
  };
}
