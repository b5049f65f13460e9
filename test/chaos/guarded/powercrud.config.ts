import { defineConfig, type AccessQuestion, type WhereFilter } from "powercrud-graphql";

import demo from "../../../powercrud.config.ts";

/** Where the north begins: about half of the cities are there. */
const NORTH = 35;

/** The half of the world of a user: nobody else changes cities there, and its users see no other. */
function half({ viewer }: AccessQuestion): WhereFilter {
  return viewer.roles.includes("north") ? { latitude: { gte: NORTH } } : { latitude: { lt: NORTH } };
}

/** The demo, with users who have one half of the world each. */
export default defineConfig({
  ...demo,
  models: { ...demo.models, City: { ...demo.models?.["City"], access: half }, Country: { access: true } },
});
