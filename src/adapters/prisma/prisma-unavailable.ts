import { AppError, isAppError } from "../../kernel/app-error.ts";
import { toUnavailableError } from "../../kernel/unavailable-error.ts";

/** An error as the driver adapter reports it. */
export interface AdapterReport {
  readonly kind?: string;
  /** SQLSTATE. */
  readonly originalCode?: string;
  readonly originalMessage?: string;
  readonly constraint?: { readonly index?: string; readonly fields?: readonly string[] };
  readonly message?: string;
  readonly detail?: string;
}

/** The parts of Prisma's errors that are read. Their classes are generated, so errors are recognized by shape. */
export interface PrismaErrorShape {
  readonly code?: string;
  readonly meta?: {
    readonly expectedRows?: number;
    readonly driverAdapterError?: { readonly cause?: AdapterReport };
  };
}

/** The driver adapter's report in an error, if there is one. Errors while connecting are not wrapped. */
export function adapterReport(error: unknown): AdapterReport | undefined {
  const { meta, name, cause } = (error ?? {}) as PrismaErrorShape & { name?: string; cause?: AdapterReport };
  return meta?.driverAdapterError?.cause ?? (name === "DriverAdapterError" ? cause : undefined);
}

/**
 * Turns errors of reads into AppErrors: UNAVAILABLE when the database cannot be reached, VALIDATION_FAILED when a filter has
 * a value that its column cannot hold (a text for a uuid). Other errors are returned unchanged.
 */
export function translatePrismaError(error: unknown): unknown {
  const translated = toUnavailableError(error);
  if (isAppError(translated)) {
    return translated;
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
