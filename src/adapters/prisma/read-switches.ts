import type { FieldSwitches } from "../../core/records/field-switches.ts";
import { FIELD_SWITCHES, isReadable, isWritable } from "../../core/records/field-switches.ts";
import type { FieldOptions, ModelOptions } from "../../core/records/model-options.ts";
import type { Field, Model } from "../../core/records/model.ts";
import { readAnnotations } from "./annotation.ts";

/** A model of the Prisma schema with its comments. */
interface CommentedModel {
  readonly documentation?: string | undefined;
  readonly fields: readonly { readonly name: string; readonly documentation?: string | undefined }[];
}

/** What config and annotations say about a model and its fields. */
export interface ModelSwitches {
  readonly isExposed: boolean;
  /** The model's comment without annotations. */
  readonly documentation: string | undefined;
  /** By field name, for every field of the Prisma schema. */
  readonly fields: ReadonlyMap<string, FieldComment>;
  /** What is wrong with them, as sentences. */
  readonly problems: readonly string[];
}

/** What is said about a field. */
interface FieldComment {
  /** Its comment without annotations. */
  readonly documentation: string | undefined;
  /** Undefined where nothing is said. */
  readonly switches: FieldSwitches | undefined;
}

/** Reads the switches of a model: what the config says wins over the annotations. */
export function readSwitches(name: string, model: CommentedModel, options: ModelOptions = {}): ModelSwitches {
  const comment = readAnnotations(model.documentation, ["isExposed"]);
  const fields = model.fields.map((field) => ({
    field,
    comment: readAnnotations(field.documentation, FIELD_SWITCHES),
    given: switchesIn(options.fields?.[field.name]),
  }));
  const located = (place: string, problems: readonly string[]): readonly string[] =>
    problems.map((problem) => `${place}: ${problem}`);
  return {
    isExposed: options.isExposed ?? comment.members["isExposed"] ?? true,
    documentation: comment.documentation,
    fields: new Map(
      fields.map(({ field, comment: { documentation, members }, given }) => {
        const switches: FieldSwitches = { ...members, ...given };
        const isSilent = Object.keys(switches).length === 0;
        return [field.name, { documentation, switches: isSilent ? undefined : switches }];
      }),
    ),
    problems: [
      ...located(name, comment.problems),
      ...fields.flatMap((each) => located(`${name}.${each.field.name}`, each.comment.problems)),
    ],
  };
}

/** The switches among the options of a field. */
function switchesIn({ apiName: _name, ...switches }: FieldOptions = {}): FieldSwitches {
  return switches;
}

const NOTHING_SAID = { documentation: undefined, fields: new Map<string, FieldComment>() };

/**
 * Sets the switches and the comments of a model's fields. Columns that callers may not set count as filled in by the app
 * where its code takes part in creates.
 */
export function switchModel(
  model: Model,
  { documentation, fields }: Pick<ModelSwitches, "documentation" | "fields"> = NOTHING_SAID,
  { hooks, persist }: ModelOptions = {},
): Model {
  const isFilledByApp = persist !== undefined || hooks?.beforeCreate !== undefined;
  const switched = <F extends Field>(field: F): F => {
    const { switches, documentation: comment } = fields.get(field.name) ?? {};
    const isFilled =
      field.kind !== "relation" &&
      isFilledByApp &&
      !isWritable(switches === undefined ? {} : { switches }, "SINGLE");
    return {
      ...withComment(field, comment),
      ...(switches === undefined ? {} : { switches }),
      ...(isFilled ? { hasDefault: true } : {}),
    };
  };
  return {
    ...withComment(model, documentation),
    key: model.key.map(switched),
    uniques: model.uniques.map((unique) => ({ ...unique, fields: unique.fields.map(switched) })),
    fields: model.fields.map(switched),
  };
}

function withComment<Commented extends { readonly documentation?: string }>(
  commented: Commented,
  documentation: string | undefined,
): Commented {
  const { documentation: _replaced, ...bare } = commented;
  return { ...bare, ...(documentation === undefined ? {} : { documentation }) } as Commented;
}

/** The problem of a hidden key where no other key can make ids: they would show it. */
export function hiddenKeyProblems({ name, key, fields, primaryKey, isView }: Model): readonly string[] {
  const isHidden = (column: string): boolean =>
    fields.some((field) => field.name === column && !isReadable(field));
  return key.length > 0 || isView
    ? []
    : primaryKey
        .filter(isHidden)
        .map(
          (field) =>
            `${name}.${field} cannot be hidden: the API makes ids of it, and the model has no other unique key for them. Hide the model, or show the field.`,
        );
}
