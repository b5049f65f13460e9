import { AppError, isAppError } from "../../kernel/app-error.ts";
import { toUnavailableError } from "../../kernel/unavailable-error.ts";

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

/** The parts of Prisma's errors that are read; the classes are generated, so they are known by their shape. */
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

/**
 * Errors of reads as the rest of the house knows them: UNAVAILABLE when the database is out of reach,
 * VALIDATION_FAILED when a filter's value is none that its column could hold (a text for a uuid); others as they are.
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
