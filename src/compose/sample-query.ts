import { buildSchema, isListType, isNonNullType, isObjectType, type GraphQLType } from "graphql";

/**
 * A query for the first page of one of the project's models, to try the API with; undefined if no model is served.
 * @param sdl the GraphQL schema as text
 */
export function sampleQuery(sdl: string): string | undefined {
  const fields = Object.values(buildSchema(sdl).getQueryType()?.getFields() ?? {});
  const list = fields.find(
    ({ name, args, type }) =>
      name !== "tasks" && args.some((argument) => argument.name === "where") && hasField(type, "totalCount"),
  );
  return list === undefined ? undefined : `{ ${list.name}(first: 3) { totalCount edges { cursor } } }`;
}

function hasField(type: GraphQLType, field: string): boolean {
  if (isNonNullType(type) || isListType(type)) {
    return hasField(type.ofType, field);
  }
  return isObjectType(type) && field in type.getFields();
}
