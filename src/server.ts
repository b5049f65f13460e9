/**
 * The API inside a server of your own; see docs/embedding.md.
 * @module
 */
export { createRequestHandler } from "./compose/serve-powercrud.ts";
export type { PowerCrudHandlerOptions } from "./compose/serve-powercrud.ts";
export { createService } from "./compose/create-service.ts";
export type { PowerCrudService, ServiceOptions } from "./compose/create-service.ts";
export type { RequestHandler } from "./server/create-request-handler.ts";
export type { Authenticate, Credentials } from "./server/callers/caller.ts";
export type { ServerLimits } from "./server/server-options.ts";
