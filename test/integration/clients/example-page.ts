import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { build } from "vite";
import type { TestPage } from "../../support/test-browser.ts";
import { openTestPage } from "../../support/test-browser.ts";
import { addressed } from "./client-fixture.ts";

const EXAMPLES = join(import.meta.dirname, "../../../client-examples");
const TYPES: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };

/** Opens an example's page in the browser, on an origin of its own. The service's address takes the place of the documented one. */
export async function openExample(browser: Browser, name: string, serviceUrl: string): Promise<TestPage> {
  const files = await filesOf(join(EXAMPLES, name), serviceUrl);
  const server = createServer((request, response) => {
    const path = request.url?.slice(1) || "index.html";
    const body = files.get(path);
    response.writeHead(body === undefined ? 204 : 200, {
      "content-type": TYPES[path.split(".").at(-1) ?? ""] ?? "text/plain",
    });
    response.end(body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const opened = await openTestPage(browser, serviceUrl);
  opened.page.once("close", () => server.close());
  opened.page.setDefaultTimeout(30_000);
  await opened.page.route(`${origin}/**`, (route) => route.continue());
  await opened.page.goto(origin);
  return opened;
}

/** What Vite makes of the example, or its page as it is where it needs no build. */
async function filesOf(root: string, serviceUrl: string): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(join(root, "index.html"), "utf8");
  if (!page.includes("/src/main.tsx")) {
    return new Map([["index.html", addressed(page, serviceUrl)]]);
  }
  const made = await build({
    root,
    logLevel: "error",
    build: { write: false, minify: false, modulePreload: false },
    plugins: [
      {
        name: "service's address",
        transform: { filter: { id: /client-examples/ }, handler: (code) => addressed(code, serviceUrl) },
      },
    ],
  });
  const outputs = (Array.isArray(made) ? made : [made]).flatMap((one) => ("output" in one ? one.output : []));
  return new Map(
    outputs.map((file) => [file.fileName, file.type === "chunk" ? file.code : String(file.source)]),
  );
}
