// Builds the dashboard into dist/dashboard/, if what it is made of has changed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const SOURCE = "src/dashboard";
const OUTPUT = "dist/dashboard";
/** Not in the build's folder, which is a part of the package. */
const STAMP = "node_modules/.powercrud-dashboard-stamp";

/**
 * Whether the build is missing, or older than its sources.
 * @param {string} root
 */
export function isDashboardStale(root) {
  const stamp = join(root, STAMP);
  if (!existsSync(join(root, SOURCE))) {
    // An installed package has no sources.
    return false;
  }
  return (
    !existsSync(join(root, OUTPUT, "index.html")) ||
    !existsSync(stamp) ||
    readFileSync(stamp, "utf8") !== inputHash(root)
  );
}

/** @param {string} root */
export async function buildDashboard(root) {
  const { writeDashboardDocuments } = await import("./dashboard-documents.mjs");
  await writeDashboardDocuments(root);
  await buildForProduction(join(root, SOURCE, "vite.config.ts"));
  await compressAssets(join(root, OUTPUT, "assets"));
  writeFileSync(join(root, STAMP), inputHash(root));
}

/**
 * Where NODE_ENV is another one, as in tests, Vite would join React's code for development, which is larger and slower.
 * @param {string} configFile
 */
async function buildForProduction(configFile) {
  const { NODE_ENV: given } = process.env;
  process.env.NODE_ENV = "production";
  try {
    const { build } = await import("vite");
    await build({ configFile, logLevel: "warn" });
  } finally {
    if (given === undefined) {
      delete process.env.NODE_ENV;
    } else {
      process.env.NODE_ENV = given;
    }
  }
}

/** @param {string} root */
function inputHash(root) {
  const source = join(root, SOURCE);
  const files = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:tsx?|css|html|graphql)$/.test(name) && !name.startsWith("generated"))
    .map((name) => join(SOURCE, name))
    .toSorted();
  const sum = createHash("sha256");
  for (const file of [...files, "schema.graphql", "package-lock.json"]) {
    sum.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return sum.digest("hex");
}

/**
 * Compressed once here, so that the service only sends them.
 * @param {string} folder
 */
async function compressAssets(folder) {
  await Promise.all(
    readdirSync(folder).map(async (name) => {
      const bytes = readFileSync(join(folder, name));
      const params = {
        [constants.BROTLI_PARAM_QUALITY]: 9,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      };
      writeFileSync(join(folder, `${name}.br`), await promisify(brotliCompress)(bytes, { params }));
      writeFileSync(join(folder, `${name}.gz`), await promisify(gzip)(bytes, { level: 9 }));
    }),
  );
}

if (process.argv[1] === import.meta.filename) {
  await buildDashboard(resolve(import.meta.dirname, ".."));
}
