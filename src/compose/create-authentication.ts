import type { Config } from "../config/config.ts";
import type { AccessRule } from "../core/access/access-rules.ts";
import { ADMIN_ROLE } from "../core/access/viewer.ts";
import { AppError } from "../kernel/app-error.ts";
import { SERVICE_VARIABLES } from "../config/service-variables.ts";
import type { Service } from "../kernel/service.ts";
import type { CredentialVerifier, Callers } from "../server/callers/callers.ts";
import { createCallers } from "../server/callers/callers.ts";
import { createApiKeyVerifier } from "../server/callers/api-key-verifier.ts";
import type { JwtVerifierOptions } from "../server/callers/jwt-verifier.ts";
import { createJwtVerifier } from "../server/callers/jwt-verifier.ts";
import type { Viewer } from "../core/access/viewer.ts";
import { filterKey } from "../core/events/record-announcement.ts";
import { isReadable } from "../core/records/field-switches.ts";
import { findModel } from "../core/records/model.ts";
import type { ReadsAs, TaskSight } from "../core/tasks/task-sight.ts";
import { ALL_SEEN, createTaskSight, seesValuesBy } from "../core/tasks/task-sight.ts";
import { isLoopback } from "../server/origin-policy.ts";
import type { AuthConfig } from "./auth-config.ts";
import type { Engine } from "./engine.ts";
import type { Deployment } from "./open-deployment.ts";

/** Who asks, and whether they must say so. */
export interface Authentication extends Service {
  readonly callers: Callers;
  /** Which tasks viewers see. */
  readonly sight: TaskSight;
  /** What the operator is told at the start. */
  readonly notice: string;
  /**
   * Whether strangers are refused as that address demands.
   * @throws AppError INVALID_CONFIG where the engine lets everybody see everything, and the address is not this machine's
   */
  checkHost(host: string): void;
  /** @throws AppError START_FAILED if callers must identify themselves, and there is nothing that they could send */
  requireWay(): Promise<void>;
}

type Settings = Pick<Config, "auth" | "host" | "jwtSecret" | "jwksUrl" | "jwtIssuer" | "jwtAudience">;

/** Whether callers must identify themselves. */
export function isAuthRequired({ auth, host }: Pick<Config, "auth" | "host">): boolean {
  return auth === "auto" ? !isLoopback(host) : auth === "required";
}

/** Who may do what no rule of a model says: everybody, or, where callers must identify themselves, administrators only. */
export function defaultAccessOf(
  settings: Pick<Config, "auth" | "host">,
  { adminRole = ADMIN_ROLE }: AuthConfig,
): AccessRule | undefined {
  return isAuthRequired(settings) ? ({ viewer }) => viewer.roles.includes(adminRole) : undefined;
}

/**
 * Compares two viewers' rights to read a model. Two row filters cannot be compared but for being the same, so another one counts
 * as less; so does another session, where the database's policies filter the rows.
 */
function createReadsAs({
  models,
  access,
  sessions,
}: Pick<Engine, "models" | "access" | "sessions">): ReadsAs {
  return (viewer, other, name) => {
    const model = findModel(models, name);
    if (model === undefined || !access.isAllowed(name, viewer, "READ")) {
      return false;
    }
    const keyOf = (who: Viewer): string | undefined =>
      filterKey(access.scope(name, who, "READ"), sessions?.of(who).settings);
    const key = keyOf(viewer);
    return (
      (key === undefined || key === keyOf(other)) &&
      model.fields.every(
        (field) => !isReadable(field) || access.isFieldAllowed(name, field.name, viewer, "READ"),
      )
    );
  };
}

/** @throws AppError INVALID_CONFIG for settings that contradict each other */
export function createAuthentication(
  settings: Settings,
  config: AuthConfig,
  engine: Pick<Engine, "models" | "access" | "sessions"> & {
    readonly deployment: Pick<Deployment, "apiKeys" | "ports">;
  },
): Authentication {
  const { deployment } = engine;
  const { clock, bus, logger } = deployment.ports;
  const readsAs = createReadsAs(engine);
  const keys = createApiKeyVerifier({ store: deployment.apiKeys, bus, clock, logger });
  const tokens = createTokens(settings, config, clock);
  const isRequired = isAuthRequired(settings);
  const { authenticate, adminRole, tasks: rule } = config;
  const callers = createCallers({ isRequired, adminRole, authenticate, keys, tokens });
  return {
    ...keys,
    callers,
    sight: isRequired
      ? createTaskSight({ isAdmin: callers.isAdmin, rule, readsAs })
      : { ...ALL_SEEN, seesValues: seesValuesBy(readsAs) },
    notice: noticeOf(settings, isRequired),
    checkHost(host) {
      if (!isRequired && settings.auth === "auto" && !isLoopback(host)) {
        throw refusal(
          "INVALID_CONFIG",
          `${host} is no loopback address, so callers should identify themselves. Set POWERCRUD_AUTH (settings.auth) to "required", or to "none" to let everybody in.`,
        );
      }
    },
    async requireWay() {
      const hasWay = authenticate !== undefined || tokens !== undefined;
      if (isRequired && !hasWay && !(await deployment.apiKeys.hasUsable(clock.now()))) {
        throw refusal("START_FAILED", NO_WAY);
      }
    },
  };
}

const NO_WAY =
  "Callers must identify themselves (POWERCRUD_AUTH), and there is no way to: make an API key with " +
  "`npx powercrud keys create --name admin`, or set POWERCRUD_JWT_SECRET or POWERCRUD_JWKS_URL, or auth.authenticate in the config. " +
  "POWERCRUD_AUTH=none lets everybody in.";

function noticeOf({ auth, host }: Settings, isRequired: boolean): string {
  const why = auth === "auto" ? `HOST is ${host}` : `POWERCRUD_AUTH is ${auth}`;
  return isRequired
    ? `authentication is on: callers must send an API key or a JWT (${why})`
    : `authentication is off: everybody who reaches this address may do everything (${why})`;
}

function createTokens(
  settings: Settings,
  { viewerOf }: AuthConfig,
  clock: JwtVerifierOptions["clock"],
): CredentialVerifier | undefined {
  const { jwtSecret: secret, jwksUrl, jwtIssuer: issuer, jwtAudience: audience } = settings;
  if (secret !== undefined && jwksUrl !== undefined) {
    const { jwtSecret, jwksUrl: url } = SERVICE_VARIABLES;
    throw refusal(
      "INVALID_CONFIG",
      `${jwtSecret.name} and ${url.name} are both set; set the one that your issuer uses`,
    );
  }
  const source = secret !== undefined ? { secret } : jwksUrl !== undefined ? { jwksUrl } : undefined;
  return source && createJwtVerifier({ source, issuer, audience, viewerOf, clock });
}

function refusal(code: "INVALID_CONFIG" | "START_FAILED", message: string): AppError {
  return new AppError(code, message, code === "INVALID_CONFIG" ? { details: { problems: [message] } } : {});
}
