import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { sendRefusal } from "./http-messages.ts";

/** Where the dashboard is. */
export const DASHBOARD_PATH = "/dashboard";

/** Answers requests below {@link DASHBOARD_PATH}. */
export type DashboardHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The built dashboard, read once: some 2 MB. */
interface BuiltDashboard {
  readonly page: string;
  /** By their names; `.br` and `.gz` are files of their own. */
  readonly assets: ReadonlyMap<string, Buffer>;
}

const ASSETS_PATH = `${DASHBOARD_PATH}/assets/`;
/** The build writes this word wherever the page needs the nonce of its answer. */
const NONCE = "__NONCE__";
const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};
/** Best first. */
const ENCODINGS = [
  { name: "br", ending: ".br" },
  { name: "gzip", ending: ".gz" },
];

/**
 * Serves the dashboard. Its files hold no data, so everybody may have them; whoever opens it must sign in like any client.
 * @param folder of the built dashboard
 */
export function createDashboardHandler(folder: string): DashboardHandler {
  let built: Promise<BuiltDashboard | undefined> | undefined;
  return async (request, response) => {
    const { method, url = "" } = request;
    const path = url.split("?", 1)[0] ?? "";
    built ??= readDashboard(folder);
    const dashboard = await built;
    if (method !== "GET" && method !== "HEAD") {
      sendRefusal(response, 405, "VALIDATION_FAILED", "The dashboard can only be looked at.");
    } else if (dashboard === undefined) {
      // It may be built while the service runs.
      built = undefined;
      const message = "The dashboard is not built. Run: npm run build:dashboard";
      sendRefusal(response, 404, "NOT_FOUND", message);
    } else if (path.startsWith(ASSETS_PATH)) {
      sendAsset(request, response, dashboard.assets, path.slice(ASSETS_PATH.length));
    } else if (path === DASHBOARD_PATH) {
      response.writeHead(302, { location: `${DASHBOARD_PATH}/` }).end();
    } else {
      sendPage(response, dashboard.page);
    }
  };
}

/** @returns undefined where it is not built */
async function readDashboard(folder: string): Promise<BuiltDashboard | undefined> {
  try {
    const page = await readFile(join(folder, "index.html"), "utf8");
    const names = await readdir(join(folder, "assets"));
    const assets = names.map(async (name) => [name, await readFile(join(folder, "assets", name))] as const);
    return { page, assets: new Map(await Promise.all(assets)) };
  } catch {
    return undefined;
  }
}

/** The name of an asset changes with its content, so a browser asks for it once. */
function sendAsset(
  request: IncomingMessage,
  response: ServerResponse,
  assets: BuiltDashboard["assets"],
  name: string,
): void {
  const plain = assets.get(name);
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
  if (plain === undefined || type === undefined) {
    sendRefusal(response, 404, "NOT_FOUND", "The dashboard has no such file. Load the page again.");
    return;
  }
  const accepted = request.headers["accept-encoding"] ?? "";
  const encoding = ENCODINGS.find(
    (one) => new RegExp(`\\b${one.name}\\b`).test(accepted) && assets.has(name + one.ending),
  );
  const body = encoding === undefined ? plain : (assets.get(name + encoding.ending) ?? plain);
  response.writeHead(200, {
    "content-type": type,
    "content-length": body.length,
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    vary: "origin, accept-encoding",
    ...(encoding === undefined ? {} : { "content-encoding": encoding.name }),
  });
  response.end(body);
}

/** All pages of the dashboard are one; its script reads the address. */
function sendPage(response: ServerResponse, page: string): void {
  const nonce = randomBytes(16).toString("base64");
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": contentSecurityPolicy(nonce),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(page.replaceAll(NONCE, nonce));
}

/** Scripts come from the service alone. Styles that a script makes need the nonce; attributes of elements cannot have one. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}
