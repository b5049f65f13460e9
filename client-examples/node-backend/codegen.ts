import type { CodegenConfig } from "@graphql-codegen/cli";

const authorization = `Bearer ${process.env.POWERCRUD_API_KEY ?? ""}`;

/** Types of the documents in src/, from the schema of the running service; a file that `powercrud print-schema` wrote will do, too. */
const config: CodegenConfig = {
  schema: {
    [`${process.env.POWERCRUD_URL ?? "http://127.0.0.1:4000"}/graphql`]: { headers: { authorization } },
  },
  documents: "src/**/*.ts",
  generates: {
    "src/gql/": {
      preset: "client",
      config: {
        enumsAsTypes: true,
        strictScalars: true,
        useTypeImports: true,
        scalars: {
          BigInt: { input: "string | number", output: "string" },
          Bytes: "string",
          DateTime: "string",
          Decimal: { input: "string | number", output: "string" },
          JSON: "unknown",
        },
      },
    },
  },
};

export default config;
