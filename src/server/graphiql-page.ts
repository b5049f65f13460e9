import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzip, gzip } from "node:zlib";
import { promisify } from "node:util";

const TITLE = "powercrud-graphql";

const DEFAULT_QUERY = `# Welcome to ${TITLE}.
# The newest tasks; the schema is in the documentation on the left.
{
  tasks(first: 5) {
    nodes {
      id
      kind
      status
      progress {
        processed
        total
        percent
      }
    }
  }
}
`;

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

/** Renders the page at the first request and keeps it compressed: it is 9 MB of text. */
export function createGraphiqlPage(): GraphiqlPage {
  let compressed: Promise<Buffer> | undefined;
  return {
    async send(request, response) {
      compressed ??= renderCompressed();
      const takesGzip = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
      const body = takesGzip ? await compressed : await promisify(gunzip)(await compressed);
      response.writeHead(200, {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "content-length": body.length,
        "cache-control": "no-cache",
        vary: "accept, accept-encoding",
        ...(takesGzip ? { "content-encoding": "gzip" } : {}),
      });
      response.end(body);
    },
  };
}

async function renderCompressed(): Promise<Buffer> {
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const page = renderGraphiQL({ title: TITLE, subscriptionsProtocol: "WS", defaultQuery: DEFAULT_QUERY });
  return promisify(gzip)(page);
}
