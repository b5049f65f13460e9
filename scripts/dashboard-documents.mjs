// Writes the types of the dashboard's documents, from schema.graphql, to src/dashboard/generated/.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { preset } from "@graphql-codegen/client-preset";
import { codegen } from "@graphql-codegen/core";
import { buildSchema, parse } from "graphql";

/** The models are known only when the dashboard runs, so their names are plain text. */
const TEXTS = ["ModelName"];

/** @param {string} root */
export async function writeDashboardDocuments(root) {
  const source = join(root, "src/dashboard");
  const text = readFileSync(join(root, "schema.graphql"), "utf8").replaceAll(
    new RegExp(`^enum (${TEXTS.join("|")}) \\{[^}]*\\}`, "gm"),
    "scalar $1",
  );
  const documents = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".graphql"))
    .toSorted()
    .map((name) => {
      const rawSDL = readFileSync(join(source, name), "utf8");
      return { location: join(source, name), document: parse(rawSDL), rawSDL };
    });
  const sections = await preset.buildGeneratesSection({
    baseOutputDir: join(source, "generated/"),
    schema: parse(text),
    schemaAst: buildSchema(text),
    documents,
    config: {
      useTypeImports: true,
      enumsAsTypes: true,
      // As texts they take a third of the room of syntax trees.
      documentMode: "string",
      nonOptionalTypename: true,
      defaultScalarType: "unknown",
      scalars: { DateTime: "string", ModelName: "string" },
      strictScalars: false,
    },
    presetConfig: { fragmentMasking: false },
    plugins: [],
    pluginMap: {},
  });
  for (const section of sections.filter(({ filename }) => filename.endsWith("graphql.ts"))) {
    mkdirSync(dirname(section.filename), { recursive: true });
    writeFileSync(section.filename, slim(await codegen(section)));
  }
}

/**
 * Lets the build leave out fragments that no page sends by themselves, and takes the indentation out of documents.
 * @param {string} code
 */
function slim(code) {
  return code.replaceAll(
    /new TypedDocumentString\(`([^`]*)`/g,
    (_all, text) => `/*#__PURE__*/ new TypedDocumentString(\`${text.replaceAll(/\s+/g, " ").trim()}\``,
  );
}

if (process.argv[1] === import.meta.filename) {
  await writeDashboardDocuments(resolve(import.meta.dirname, ".."));
}
