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
  const first = args.first ?? undefined;
  const last = args.last ?? undefined;
  if (first !== undefined && last !== undefined) {
    throw invalid("first", "Give either first or last, not both.");
  }
  const size = last ?? first ?? DEFAULT_PAGE_SIZE;
  checkSize(last === undefined ? "first" : "last", size);
  return {
    size,
    isBackward: last !== undefined,
    after: args.after ?? undefined,
    before: args.before ?? undefined,
  };
}

function checkSize(name: string, size: number): void {
  if (size < 0) {
    throw invalid(name, `${name} must be 0 or more, not ${size}.`);
  }
  if (size > MAX_PAGE_SIZE) {
    const advice = "Ask for the next page with after.";
    throw invalid(name, `${name} must be at most ${MAX_PAGE_SIZE}, not ${size}. ${advice}`);
  }
}

function invalid(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}
