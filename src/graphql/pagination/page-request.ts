import { AppError } from "../../kernel/app-error.ts";

/** Records on a page when the caller does not say. */
export const DEFAULT_PAGE_SIZE = 20;
/** The most records on a page. */
export const MAX_PAGE_SIZE = 1_000;

/** The paging arguments of every connection. */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** The page that is asked for. */
export interface PageRequest {
  readonly size: number;
  /** From the end (`last`), so the list is read in reverse. */
  readonly isBackward: boolean;
  readonly after: string | undefined;
  readonly before: string | undefined;
}

/** @throws AppError VALIDATION_FAILED naming the argument, what is wrong with it and what would be right */
export function parsePageRequest(args: PageArgs): PageRequest {
  const { first, last } = args;
  if (first !== undefined && first !== null && last !== undefined && last !== null) {
    throw invalid("first", "Give either first or last, not both.");
  }
  const isBackward = last !== undefined && last !== null;
  const size = last ?? first ?? DEFAULT_PAGE_SIZE;
  const name = isBackward ? "last" : "first";
  if (size < 0) {
    throw invalid(name, `${name} must be 0 or more, not ${size}.`);
  }
  if (size > MAX_PAGE_SIZE) {
    throw invalid(
      name,
      `${name} must be at most ${MAX_PAGE_SIZE}, not ${size}. Ask for the next page with after.`,
    );
  }
  return { size, isBackward, after: args.after ?? undefined, before: args.before ?? undefined };
}

function invalid(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}
