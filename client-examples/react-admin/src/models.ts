import type { Model } from "./records.ts";

/** The resources of the front end: the lists of the API, and what is shown of their records. */
export const models: Readonly<Record<string, Model>> = {
  cities: {
    name: "City",
    fields:
      "id name countryCode population status notes updatedAt activeTask { id label progress { id percent } }",
  },
  countries: { name: "Country", fields: "id name continent" },
};

/** @throws Error for a resource that is none of ours */
export function modelOf(resource: string): Model {
  const model = models[resource];
  if (model === undefined) throw new Error(`${resource} is not in models.ts`);
  return model;
}
