import type { Manifest } from "./manifest.ts";

/** The version of Prisma that this package is made with and tested with. */
export const PRISMA_VERSION = "7.10.0";

/** Both packages must have the same version: one makes the code that the other runs. */
const PACKAGES = ["prisma", "@prisma/client"] as const;
export type PrismaPackage = (typeof PACKAGES)[number];

/** The versions of Prisma that a project has. */
export interface PrismaVersions {
  readonly manifest: Manifest;
  /** The versions in `node_modules`. */
  readonly installed: Readonly<Partial<Record<PrismaPackage, string>>>;
}

const [MAJOR = 0, MINOR = 0] = PRISMA_VERSION.split(".").map(Number);
const INSTALL = `npm install @prisma/client@${PRISMA_VERSION} && npm install --save-dev prisma@${PRISMA_VERSION}`;
/** Ranges that take no other major version: `7.10.0`, `^7.1`, `~7.10.2`, `7.x`. */
const WITHIN_MAJOR = new RegExp(`^[~^=v]*${MAJOR}(?:\\.(?:\\d+|x|\\*)){0,2}$`);

/** Why the project's Prisma cannot be used, with advice; empty if it can. */
export function findVersionProblems(versions: PrismaVersions): readonly string[] {
  const found = PACKAGES.flatMap((name) => {
    const version = versions.installed[name] ?? /\d[\d.]*/.exec(rangeOf(versions, name) ?? "")?.[0];
    return version === undefined ? [] : [{ name, version }];
  });
  const unfit = found.find(({ version }) => !isSupported(version));
  if (unfit !== undefined) {
    return [`The project has ${unfit.name} ${unfit.version}; ${adviceFor(unfit.version)}`];
  }
  const [first, second] = [versions.installed.prisma, versions.installed["@prisma/client"]];
  const isChosen = PACKAGES.every((name) => isPinned(versions, name));
  return !isChosen || first === undefined || second === undefined || first === second
    ? []
    : [
        `prisma is ${first}, but @prisma/client is ${second}; they must have the same version. Run: ${INSTALL}`,
      ];
}

function isSupported(version: string): boolean {
  const [major = 0, minor = Infinity] = version.split(".").map(Number);
  return major === MAJOR && minor >= MINOR;
}

function adviceFor(version: string): string {
  const major = Number.parseInt(version, 10);
  const needed = `powercrud-graphql works with Prisma ${MAJOR}, from ${MAJOR}.${MINOR} on.`;
  if (major > MAJOR) {
    return `${needed} Prisma ${major} has another client. Go back to Prisma ${MAJOR}: ${INSTALL}`;
  }
  if (major === MAJOR) {
    return `${needed} Run: ${INSTALL}`;
  }
  return (
    `${needed} Upgrade first: ${INSTALL}; then move the database's url from the Prisma schema to prisma.config.ts ` +
    "(https://www.prisma.io/docs/orm/more/upgrade-guides/upgrading-versions/upgrading-to-prisma-7)."
  );
}

/**
 * The packages to pin: those that `package.json` lacks, or for which it would take another major version. The version is the
 * installed one, of the package that is pinned already if one is: npm may have installed two versions as peers.
 */
export function findUnpinned(versions: PrismaVersions): Readonly<Partial<Record<PrismaPackage, string>>> {
  const { installed } = versions;
  const pinned = PACKAGES.find((name) => isPinned(versions, name));
  const known = pinned === undefined ? undefined : installed[pinned];
  const version = known ?? installed["@prisma/client"] ?? installed.prisma ?? PRISMA_VERSION;
  const unpinned = PACKAGES.filter((name) => !isPinned(versions, name));
  return Object.fromEntries(unpinned.map((name) => [name, version]));
}

function isPinned(versions: PrismaVersions, name: PrismaPackage): boolean {
  return WITHIN_MAJOR.test(rangeOf(versions, name)?.trim() ?? "");
}

function rangeOf({ manifest }: PrismaVersions, name: PrismaPackage): string | undefined {
  return (
    manifest.dependencies?.[name] ?? manifest.devDependencies?.[name] ?? manifest.optionalDependencies?.[name]
  );
}

/** The list of `package.json` that has a package, or gets it: the client runs in production, the command line does not. */
export function listOf(
  { manifest }: PrismaVersions,
  name: PrismaPackage,
): "dependencies" | "devDependencies" {
  if (manifest.dependencies?.[name] !== undefined) {
    return "dependencies";
  }
  return manifest.devDependencies?.[name] === undefined && name === "@prisma/client"
    ? "dependencies"
    : "devDependencies";
}
