// The floors, from the ground up. A floor may import itself and the floors listed; nothing else.
const MAY_IMPORT = {
  kernel: [],
  generated: [],
  // A program for browsers: it knows the service by its schema alone.
  dashboard: [],
  core: ["kernel"],
  adapters: ["kernel", "core"],
  // Prisma runs it when it generates; of adapters/ it imports a type.
  generator: ["adapters"],
  graphql: ["kernel", "core"],
  config: ["kernel", "core"],
  server: ["kernel", "core", "graphql", "config"],
  worker: ["kernel", "core", "config"],
  project: ["kernel", "adapters"],
  compose: ["kernel", "core", "adapters", "graphql", "server", "worker", "config"],
  cli: ["kernel", "config", "project", "compose"],
};
/** What package.json exports. */
const ENTRIES = "^src/(index|server|testing)\\.ts$";
const floors = Object.keys(MAY_IMPORT);
const at = (floor) => `^src/${floor}/`;

// The floors inside core/, from the ground up. A folder may import its own files and the floors listed, which stand
// before it in this table: so no two folders import each other. `tasks` is the model of a task: the files of that
// folder, without its rooms.
const CORE_MAY_IMPORT = {
  transactions: [],
  processes: [],
  access: [],
  locks: ["transactions", "access"],
  tasks: ["transactions", "access", "locks"],
  refusals: ["access", "locks", "tasks"],
  records: ["transactions", "access", "locks", "tasks", "refusals"],
  filters: ["access", "refusals", "records"],
  files: ["access", "refusals", "records", "filters", "tasks"],
  events: ["transactions", "access", "tasks"],
  "record-events": ["access", "locks", "tasks", "records", "events"],
  notifications: ["transactions", "access", "tasks", "refusals", "events"],
  "tasks/settle": ["transactions", "access", "locks", "tasks", "events", "notifications"],
  "tasks/run": ["transactions", "access", "locks", "tasks", "refusals", "events", "tasks/settle"],
  "tasks/launch": [
    "transactions",
    "access",
    "locks",
    "tasks",
    "refusals",
    "records",
    "events",
    "notifications",
    "tasks/settle",
    "tasks/run",
  ],
  bulk: [
    "transactions",
    "access",
    "locks",
    "refusals",
    "records",
    "filters",
    "events",
    "tasks",
    "tasks/settle",
    "tasks/run",
    "tasks/launch",
  ],
  imports: [
    "transactions",
    "access",
    "refusals",
    "records",
    "files",
    "events",
    "notifications",
    "tasks",
    "tasks/settle",
    "tasks/launch",
    "bulk",
  ],
  schedules: ["access", "tasks", "refusals", "events", "tasks/run", "tasks/launch"],
  "saved-views": ["access", "refusals"],
  sweeper: [
    "transactions",
    "access",
    "locks",
    "tasks",
    "events",
    "notifications",
    "tasks/settle",
    "tasks/run",
  ],
  "tasks/manager": [
    "transactions",
    "access",
    "locks",
    "refusals",
    "records",
    "events",
    "notifications",
    "tasks",
    "tasks/settle",
    "tasks/run",
    "tasks/launch",
    "bulk",
    "sweeper",
  ],
  health: ["transactions", "processes", "locks", "events", "tasks", "notifications"],
};
const coreFloors = Object.keys(CORE_MAY_IMPORT);
const atCore = (floor) => `^src/core/${floor}/${floor === "tasks" ? "[^/]+$" : ""}`;

module.exports = {
  forbidden: [
    ...floors.map((floor) => ({
      name: `floor-${floor}`,
      severity: "error",
      comment: `${floor}/ may import only itself and: ${MAY_IMPORT[floor].join(", ") || "nothing"}.`,
      from: { path: at(floor) },
      to: {
        path: "^src/",
        pathNot: [floor, ...MAY_IMPORT[floor]].map(at),
      },
    })),
    {
      name: "known-floors-only",
      severity: "error",
      comment: "A new folder under src/ must first be given its place in MAY_IMPORT.",
      from: { path: "^src/", pathNot: [...floors.map(at), ENTRIES] },
      to: {},
    },
    ...coreFloors.map((floor) => ({
      name: `core-floor-${floor.replace("/", "-")}`,
      severity: "error",
      comment: `core/${floor} may import only itself and: ${CORE_MAY_IMPORT[floor].join(", ") || "nothing"}.`,
      from: { path: atCore(floor) },
      to: { path: "^src/core/", pathNot: [floor, ...CORE_MAY_IMPORT[floor]].map(atCore) },
    })),
    {
      name: "core-known-floors-only",
      severity: "error",
      comment: "A new folder under core/ must first be given its place in CORE_MAY_IMPORT.",
      from: { path: "^src/core/", pathNot: coreFloors.map(atCore) },
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
      comment:
        "kernel/ and core/ do no I/O: no packages but the types of a specification, no node built-ins but these two.",
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
        pathNot: "^(node:)?(async_hooks|crypto)$|node_modules/@standard-schema/spec/",
      },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      comment: "What cannot be resolved cannot be judged, so it may not pass.",
      from: { path: "^src/", pathNot: "^src/dashboard/generated/" },
      to: { couldNotResolve: true },
    },
    {
      name: "only-installed-packages",
      severity: "error",
      comment:
        "Who installs the package gets its dependencies and peers, and no development packages. The dashboard comes built.",
      from: { path: "^src/", pathNot: "^src/dashboard/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm", "npm-peer", "type-only"] },
    },
    {
      name: "library-without-cli",
      severity: "error",
      comment: "The public library never depends on the command line, nor on the demo's generated code.",
      from: { path: ENTRIES },
      to: { path: "^src/(cli|generated)/" },
    },
    {
      name: "adapters-are-strangers",
      severity: "error",
      comment: "One adapter never reaches into another; they meet only in compose/.",
      from: { path: "^src/adapters/([^/]+)/" },
      to: { path: "^src/adapters/", pathNot: "^src/adapters/$1/" },
    },
    {
      name: "nothing-outside-src",
      severity: "error",
      comment: "Shipped code imports no test, no script, and nothing of the project that it serves.",
      from: { path: "^src/" },
      to: { dependencyTypes: ["local"], pathNot: "^src/" },
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
