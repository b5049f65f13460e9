import { AppError, isAppError } from "../../kernel/app-error.ts";

/** What the driver adapter reports, in Prisma's own words. */
export interface AdapterReport {
  readonly kind?: string;
  /** SQLSTATE. */
  readonly originalCode?: string;
  readonly originalMessage?: string;
  readonly constraint?: { readonly index?: string; readonly fields?: readonly string[] };
  readonly message?: string;
  readonly detail?: string;
}

/** The parts of Prisma's errors that are read; the classes are generated, so they are told by their shape. */
export interface PrismaErrorShape {
  readonly code?: string;
  readonly meta?: {
    readonly expectedRows?: number;
    readonly driverAdapterError?: { readonly cause?: AdapterReport };
  };
}

/** What the driver adapter said, if it said anything. Errors while connecting arrive bare. */
export function adapterReport(error: unknown): AdapterReport | undefined {
  const { meta, name, cause } = (error ?? {}) as PrismaErrorShape & { name?: string; cause?: AdapterReport };
  return meta?.driverAdapterError?.cause ?? (name === "DriverAdapterError" ? cause : undefined);
}

/** Unreachable, refused, timed out, closed under way, no connection free. */
const UNAVAILABLE_CODES = new Set([
  "P1000",
  "P1001",
  "P1002",
  "P1003",
  "P1008",
  "P1010",
  "P1011",
  "P1017",
  "P2024",
  "P2028",
  "P2037",
]);
const UNAVAILABLE_KINDS = new Set([
  "DatabaseNotReachable",
  "ConnectionClosed",
  "TooManyConnections",
  "SocketTimeout",
  "TlsConnectionError",
  "AuthenticationFailed",
  "DatabaseDoesNotExist",
  "DatabaseAccessDenied",
]);
/** SQLSTATE class 08, a server that shuts down or starts up, and connections that run out. */
const UNAVAILABLE_STATE = /^(?:08...|57P0[1-5]|53300|25P0[34])$/;

/** Whether the error says that the database could not be reached, or went away. */
function isPrismaUnavailable(error: unknown): boolean {
  const report = adapterReport(error);
  const { code } = (error ?? {}) as PrismaErrorShape;
  return (
    (code !== undefined && UNAVAILABLE_CODES.has(code)) ||
    (report?.kind !== undefined && UNAVAILABLE_KINDS.has(report.kind)) ||
    UNAVAILABLE_STATE.test(report?.originalCode ?? "")
  );
}

/**
 * Errors of reads as the rest of the house knows them: UNAVAILABLE when the database is out of reach,
 * VALIDATION_FAILED when a filter's value is none that its column could hold (a text for a uuid); others as they are.
 */
export function translatePrismaError(error: unknown): unknown {
  if (isAppError(error)) {
    return error;
  }
  if (isPrismaUnavailable(error)) {
    return new AppError("UNAVAILABLE", "The database cannot be reached.", { cause: error });
  }
  const report = adapterReport(error);
  if (
    report?.kind === "InvalidInputValue" ||
    report?.kind === "ValueOutOfRange" ||
    report?.originalCode === "22021"
  ) {
    const message = `A value is not one that its column can hold: ${report.originalMessage ?? "see its type"}.`;
    return new AppError("VALIDATION_FAILED", message, { cause: error });
  }
  return error;
}
