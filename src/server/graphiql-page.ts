import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzip, gzip } from "node:zlib";
import { promisify } from "node:util";
import type { GraphQLSchema } from "graphql";
import { drawExamples } from "./graphiql-examples.ts";

const TITLE = "powercrud-graphql";

/** The page is complete, so the browser may load nothing else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  "worker-src blob:",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** GraphiQL, complete in one page. */
export interface GraphiqlPage {
  send(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

interface RenderedPage {
  readonly compressed: Buffer;
  /** Of the page's content, as a weak ETag: it is the same for both encodings. */
  readonly etag: string;
}

/**
 * Renders the page at the first request and keeps it compressed: it is 9 MB of text. A browser that has it asks whether it is
 * still the same, and gets 304.
 */
export function createGraphiqlPage(schema: GraphQLSchema): GraphiqlPage {
  let rendered: Promise<RenderedPage> | undefined;
  return {
    async send(request, response) {
      rendered ??= render(schema);
      const { compressed, etag } = await rendered;
      const headers = {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "cache-control": "no-cache",
        // The router sets Origin.
        vary: "origin, accept, accept-encoding",
        etag,
      };
      if (isKnown(request.headers["if-none-match"], etag)) {
        response.writeHead(304, headers).end();
        return;
      }
      const takesGzip = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
      const body = takesGzip ? compressed : await promisify(gunzip)(compressed);
      response.writeHead(200, {
        ...headers,
        "content-type": "text/html; charset=utf-8",
        "content-length": body.length,
        ...(takesGzip ? { "content-encoding": "gzip" } : {}),
      });
      response.end(body);
    },
  };
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = ifNoneMatch?.split(",").map((one) => one.trim()) ?? [];
  return known.includes(etag) || known.includes("*");
}

/** Several tabs that are there from the start jump away under the mouse: an animation of GraphiQL's stays where it begins. */
const KEEP_TABS = ".graphiql-tab { transform: none !important; }";

async function render(schema: GraphQLSchema): Promise<RenderedPage> {
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const options = { title: TITLE, subscriptionsProtocol: "WS" as const, defaultQuery: "" };
  const plain = JSON.stringify(options);
  const withTabs = JSON.stringify({ ...options, defaultTabs: drawExamples(schema) });
  // GraphiQL would show its tabs in the place of the query that a link has.
  const choice = `new URLSearchParams(location.search).has("query") ? ${plain} : ${withTabs}`;
  const page = renderGraphiQL(options)
    .replace(plain, () => choice)
    .replace("<noscript>", () => `<style>${KEEP_TABS}</style><noscript>`);
  const etag = `W/"${createHash("sha256").update(page).digest("base64url")}"`;
  return { compressed: await promisify(gzip)(page), etag };
}
