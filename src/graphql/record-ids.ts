import type { FieldNode, GraphQLField } from "graphql";
import { getArgumentValues } from "graphql";

/**
 * Whose ids a place of the type ID holds: the name of a model, or what gives it.
 * @param beside the object that a field is of; for an argument, all arguments
 */
// oxlint-disable-next-line typescript/no-explicit-any -- each place knows what it is beside
export type IdOwner = string | ((beside: any) => string | null | undefined);

const OWNER = "powercrudIdsOf";

/** Options of a field, an argument or an input's field whose ids, at any depth, are those of records of the model. */
export function idsOf(owner: IdOwner): { readonly extensions: Readonly<Record<string, unknown>> } {
  return { extensions: { [OWNER]: owner } };
}

/** What {@link idsOf} says of a place. */
export function ownerOf(place: { readonly extensions: object }): IdOwner | undefined {
  return (place.extensions as { [OWNER]?: IdOwner })[OWNER];
}

type Arguments = Record<string, unknown>;

const READ = "powercrudReadArguments";

/** Lets {@link argumentsOf} read the field's arguments by the function. */
export function readArgumentsBy(
  field: GraphQLField<unknown, unknown>,
  read: (args: Arguments) => Arguments,
): void {
  field.extensions = { ...field.extensions, [READ]: read };
}

/** The arguments that the document gives to a field, as its resolver gets them. @throws AppError VALIDATION_FAILED */
export function argumentsOf(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Readonly<Record<string, unknown>>,
): Arguments {
  const args = getArgumentValues(field, node, variables);
  const read = (field.extensions as { [READ]?: (args: Arguments) => Arguments })[READ];
  return read === undefined ? args : read(args);
}
