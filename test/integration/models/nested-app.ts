import type { AccessRule, ModelOptionsMap } from "../../../src/index.ts";

/** What the app's hooks were called with. */
export const calls: string[] = [];

const small: AccessRule = ({ viewer: { id } }) => (id === "small" ? { population: { lt: 100 } } : true);

/** Hooks, validators and scopes of records that are written together with another. */
export const APP: ModelOptionsMap = {
  Tag: {
    access: {
      read: true,
      create: ({ viewer: { id } }) => id !== "untagged" && (id !== "small" || { label: { startsWith: "s" } }),
    },
    hooks: {
      beforeCreate({ records }) {
        calls.push(
          ...records.map(({ change }) => `create ${JSON.stringify([change["label"], change["cities"]])}`),
        );
        return records.flatMap(({ id, change }) =>
          change["label"]?.set === "refused" ? [{ id, message: "No tag is refused." }] : [],
        );
      },
    },
  },
  City: {
    access: {
      read: small,
      create: small,
      update: small,
      delete: small,
      fields: { tags: { write: ({ viewer: { id } }) => id !== "unlinked" } },
    },
    validate: (_record, { name }) =>
      name?.set === "invalid" ? [{ field: "name", message: "No city is invalid." }] : [],
    hooks: {
      beforeCreate({ records }) {
        calls.push(
          ...records.map(({ id, change }) => `create ${id} of ${String(change["countryCode"]?.set)}`),
        );
        return records.flatMap(({ id, change }) =>
          change["name"]?.set === "refused" ? [{ id, message: "No city is refused." }] : [],
        );
      },
      afterUpdate: ({ records }) =>
        void calls.push(
          ...records.map(({ id, record }) => `updated ${id} to ${String(record?.["countryCode"])}`),
        ),
    },
  },
};
