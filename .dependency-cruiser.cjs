// The house, from the ground up. A floor may import itself and the floors listed; nothing else.
const MAY_IMPORT = {
  kernel: [],
  generated: [],
  core: ["kernel"],
  adapters: ["kernel", "core", "generated"],
  graphql: ["kernel", "core", "generated"],
  config: ["kernel", "core"],
  server: ["kernel", "core", "graphql", "config"],
  worker: ["kernel", "core", "config"],
  compose: ["kernel", "core", "adapters", "graphql", "server", "worker", "config", "generated"],
  app: ["generated"], // and src/index.ts, the public library
  cli: ["kernel", "config", "compose", "app"],
};
const floors = Object.keys(MAY_IMPORT);
const at = (floor) => `^src/${floor}/`;

module.exports = {
  forbidden: [
    ...floors.map((floor) => ({
      name: `floor-${floor}`,
      severity: "error",
      comment: `${floor}/ may import only itself and: ${MAY_IMPORT[floor].join(", ") || "nothing"}.`,
      from: { path: at(floor) },
      to: {
        path: "^src/",
        pathNot: [
          ...[floor, ...MAY_IMPORT[floor]].map(at),
          ...(floor === "app" || floor === "cli" ? ["^src/index\\.ts$"] : []),
        ],
      },
    })),
    {
      name: "known-floors-only",
      severity: "error",
      comment: "A new folder under src/ must first be given its place in MAY_IMPORT.",
      from: { path: "^src/", pathNot: [...floors.map(at), "^src/index\\.ts$"] },
      to: {},
    },
    {
      name: "no-circular",
      severity: "error",
      comment:
        "Type-only cycles count too: they are where the next value cycle grows. Generated code is not ours.",
      from: { pathNot: "^src/generated/" },
      to: { circular: true },
    },
    {
      name: "pure-floors",
      severity: "error",
      comment: "kernel/ and core/ do no I/O: no packages, no node built-ins but these two.",
      from: { path: "^src/(kernel|core)/" },
      to: {
        dependencyTypes: [
          "npm",
          "npm-dev",
          "npm-peer",
          "npm-optional",
          "npm-bundled",
          "npm-no-pkg",
          "npm-unknown",
          "core",
        ],
        pathNot: "^(node:)?(async_hooks|crypto)$",
      },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      comment: "What cannot be resolved cannot be judged, so it may not pass.",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
    {
      name: "library-without-demo",
      severity: "error",
      comment: "The public library never depends on the demo or on the command line.",
      from: { path: "^src/index\\.ts$" },
      to: { path: "^src/(app|cli)/" },
    },
    {
      name: "adapters-are-strangers",
      severity: "error",
      comment: "One adapter never reaches into another; they meet only in compose/.",
      from: { path: "^src/adapters/([^/]+)/" },
      to: { path: "^src/adapters/", pathNot: "^src/adapters/$1/" },
    },
    {
      name: "not-to-test",
      severity: "error",
      comment: "Shipped code never imports test code.",
      from: { path: "^src/" },
      to: { path: "^test/" },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
