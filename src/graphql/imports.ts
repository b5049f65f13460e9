import type { ColumnOfFile, ColumnQuestion, ColumnUses, KeyOfRows } from "../core/imports/column-uses.ts";
import type { ImportForm } from "../core/imports/import-form.ts";
import type { ImportState } from "../core/imports/import-store.ts";
import type { Imports } from "../core/imports/imports.ts";
import type { LaunchOptions } from "../core/tasks/launch-options.ts";
import { createBatchLoader } from "./batch-loader.ts";
import type { SchemaContext, SchemaContributor } from "./builder.ts";
import { givenMembers } from "./models/model-schema.ts";

/** Imports: `Task.import`, and `createImport` for a client that asks before it sends a file. */
export function addImports(imports: Pick<Imports, "open" | "find" | "columnUses">): SchemaContributor {
  return (schema) => {
    const enums = defineEnums(schema);
    addTaskImport(schema, enums, imports);
    addCreateImport(schema, enums, imports);
    addImportColumns(schema, enums, imports);
  };
}

type Enums = ReturnType<typeof defineEnums>;

function defineEnums({ builder }: SchemaContext) {
  return {
    operation: builder.enumType("ImportOperation", {
      description: "What an import does with each row.",
      values: {
        CREATE: { description: "Create a record." },
        UPDATE: { description: "Change the record that the row names." },
        UPSERT: { description: "Change the record that the row names, or create it where it is not there." },
      },
    }),
    format: builder.enumType("ImportFormat", {
      description: "The format of a file.",
      values: {
        CSV: { description: "The first line names the columns." },
        JSONL: { description: "Each line is one JSON object." },
      },
    }),
    encoding: builder.enumType("ImportEncoding", {
      description: "The encoding of a file.",
      values: {
        UTF_8: { value: "UTF-8", description: "Unicode, with or without a byte order mark." },
        ISO_8859_1: { value: "ISO-8859-1", description: "Latin 1, and what Windows adds to it." },
        UTF_16LE: { value: "UTF-16LE", description: "Unicode in pairs of bytes, the lower one first." },
        UTF_16BE: { value: "UTF-16BE", description: "Unicode in pairs of bytes, the higher one first." },
      },
    }),
    empty: builder.enumType("EmptyCells", {
      description: "What an empty cell means.",
      values: {
        BY_QUOTES: { description: "In quotes an empty text, else null." },
        NULL: { description: "Null." },
        TEXT: { description: "An empty text." },
      },
    }),
  };
}

function addTaskImport(
  { builder, refs }: SchemaContext,
  { format }: Enums,
  imports: Pick<Imports, "find">,
): void {
  const type = builder.objectRef<ImportState>("TaskImport").implement({
    description: "The file of an import, and how much of it has come.",
    fields: (t) => ({
      format: t.field({ type: format, resolve: ({ form }) => form.format }),
      fileName: t.exposeString("fileName", { nullable: true }),
      bytes: t.exposeFloat("bytes", { description: "Bytes that have come, as they were sent." }),
      rows: t.exposeInt("rows", { description: "Rows that have come and were checked." }),
      rejected: t.exposeInt("rejected", {
        description: "How many of them cannot be written. What the database refuses later is not among them.",
      }),
      readOnlyColumns: t.exposeStringList("readOnlyColumns", {
        description:
          "The columns of the file that nobody can write, such as computed ones: what they hold is not taken. Empty until all has come.",
      }),
      uploadPath: t.string({
        nullable: true,
        description: "Where to send the file with PUT; null once it has begun to come.",
        resolve: ({ taskId, receiver }) => (receiver === null ? `/imports/${taskId}` : null),
      }),
      failedPath: t.string({
        nullable: true,
        description:
          "The file of the rows that were not written, with line, field and reason; null until all has come.",
        resolve: ({ taskId, form, receivedAt }) =>
          receivedAt === null ? null : `/tasks/${taskId}/failed.${form.format === "CSV" ? "csv" : "jsonl"}`,
      }),
    }),
  });
  const importOf = createBatchLoader((_context, ids) => imports.find(ids));
  builder.objectField(refs.task, "import", (t) =>
    t.field({
      type,
      nullable: true,
      description: "The file whose rows it writes; null for a task that is no import.",
      resolve: async ({ id }, _args, context) => (await importOf(context, id)) ?? null,
    }),
  );
}

function defineCreateImportInput(
  { builder, refs }: SchemaContext,
  { operation, format, encoding, empty }: Enums,
) {
  return builder.inputType("CreateImportInput", {
    description:
      "What to do with a file's rows, and how to read them. What is left out is found out from the file; the content type of the upload says nothing.",
    fields: (t) => ({
      model: t.field({ type: refs.modelName, required: true }),
      operation: t.field({ type: operation, required: true }),
      format: t.field({
        type: format,
        defaultValue: "CSV",
        description: "Not found out: the default holds for every file.",
      }),
      key: t.string({
        description:
          "The unique key by which rows name their records: `email`, `teamId_slug`. Default: the id.",
      }),
      mapping: t.field({
        type: "JSON",
        description: "Paths of fields by headers that say something else; an empty path leaves a column out.",
      }),
      encoding: t.field({
        type: encoding,
        description:
          "Of a file without a byte order mark, which wins. Default: UTF-8, or Latin 1 where the beginning is no UTF-8.",
      }),
      separator: t.string({ description: "One character, not the quote. Default: found out." }),
      quote: t.string({ description: 'One character. Default: `"`.' }),
      empty: t.field({ type: empty }),
      areFormulasEscaped: t.boolean({
        description: "Whether an apostrophe in front of a formula goes. Default: true.",
      }),
      hasDecimalComma: t.boolean({ description: "Whether numbers have a comma before their fraction." }),
      timeOffset: t.string({ description: "The offset of times that have none: `Z`, `+02:00`." }),
      fileName: t.string(),
    }),
  });
}

function addCreateImport(schema: SchemaContext, enums: Enums, imports: Pick<Imports, "open">): void {
  const { builder, refs } = schema;
  const input = defineCreateImportInput(schema, enums);
  builder.mutationField("createImport", (t) =>
    t.field({
      type: refs.launchResult,
      description:
        "Makes a task that waits for its file, RECEIVING: send that with PUT to `task.import.uploadPath`. A file that can be sent at once needs no mutation: POST it to /imports/<Model>.",
      args: { input: t.arg({ type: input, required: true }), options: t.arg({ type: refs.bulkOptions }) },
      resolve: (_root, { input: given, options }, { viewer }) => {
        const {
          model,
          fileName,
          separator,
          quote,
          empty: cells,
          areFormulasEscaped,
          ...form
        } = givenMembers(given);
        const csv = givenMembers({ separator, quote, empty: cells, areFormulasEscaped });
        return imports.open({
          viewer,
          form: { ...form, model, ...(Object.keys(csv).length === 0 ? {} : { csv }) } as ImportForm,
          ...(typeof fileName === "string" ? { fileName } : {}),
          options: givenMembers(options ?? {}) as LaunchOptions,
        });
      },
    }),
  );
}

/** `Query.importColumns`: what an import would do with a file, before anything is sent. */
function addImportColumns(
  schema: SchemaContext,
  { operation }: Enums,
  imports: Pick<Imports, "columnUses">,
): void {
  const { builder, refs } = schema;
  const [column, key] = [defineColumn(schema), defineKey(schema)];
  const columns = builder.objectRef<ColumnUses>("ImportColumns").implement({
    description: "What an import would do with the columns of a file.",
    fields: (t) => ({
      columns: t.field({ type: [column], resolve: (uses) => [...uses.columns] }),
      paths: t.stringList({
        description: "What a column may be mapped to.",
        resolve: (uses) => [...uses.paths],
      }),
      keys: t.field({
        type: [key],
        description: "The keys by which rows may name their records.",
        resolve: (uses) => [...uses.keys],
      }),
      problems: t.stringList({
        description: "Why a file with these columns would be refused, apart from unknown ones.",
        resolve: (uses) => uses.problems.map(({ message }) => message),
      }),
    }),
  });
  builder.queryField("importColumns", (t) =>
    t.field({
      type: columns,
      description:
        "What an import would do with a file of these headers, by the rules of the import itself. Reads no records.",
      args: {
        model: t.arg({ type: refs.modelName, required: true }),
        operation: t.arg({ type: operation, required: true }),
        headers: t.arg.stringList({
          required: true,
          description: "The file's first line, or the names in its objects.",
        }),
        key: t.arg.string({ description: "As for `createImport`." }),
        mapping: t.arg({ type: "JSON", description: "As for `createImport`." }),
      },
      resolve: (_root, { headers, ...given }, { viewer }) =>
        imports.columnUses({ viewer, headers, form: givenMembers(given) as ColumnQuestion["form"] }),
    }),
  );
}

function defineColumn({ builder }: SchemaContext) {
  const use = builder.enumType("ImportColumnUse", {
    description: "What an import does with a column of a file.",
    values: {
      WRITTEN: { description: "Its values are written." },
      READ_ONLY: { description: "Nobody can write it: what it holds is not taken." },
      LEFT_OUT: { description: "The mapping leaves it out, or it only says why a row failed before." },
      UNKNOWN: { description: "It is no column of the model." },
    },
  });
  return builder.objectRef<ColumnOfFile>("ImportColumn").implement({
    description: "A column of a file.",
    fields: (t) => ({
      header: t.exposeString("header"),
      path: t.exposeString("path", { nullable: true, description: "Of its field: `title`, `author.name`." }),
      use: t.field({ type: use, resolve: (each) => each.use }),
      problem: t.exposeString("problem", {
        nullable: true,
        description: "Why it is unknown, with the nearest name; null for all others.",
      }),
    }),
  });
}

function defineKey({ builder }: SchemaContext) {
  return builder.objectRef<KeyOfRows>("ImportKey").implement({
    description: "A key by which the rows of a file may name their records.",
    fields: (t) => ({
      name: t.exposeString("name", { description: "For `key` of `createImport`." }),
      fields: t.stringList({ description: "What a row needs.", resolve: (each) => [...each.fields] }),
    }),
  });
}
