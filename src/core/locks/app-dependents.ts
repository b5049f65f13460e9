import type { Claim, RecordIds } from "./claim.ts";

/** What an app's function of dependents is given. */
export interface DependentsContext<Client = unknown> {
  /** Prisma's client of the project, outside any transaction. */
  readonly prisma: Client;
}

/**
 * The other records that a write or a task changes, by their model: they are locked together with its own, before it
 * begins. Each function is given the ids of the task's own records, and may be called more than once; it must only read.
 */
export type AppDependents<Context extends DependentsContext = DependentsContext> = Readonly<
  Record<string, DependentsReader<Context>["read"]>
>;

/** A method, so that an app's function may be typed more narrowly. */
interface DependentsReader<Context> {
  read(ids: readonly string[], context: Context): RecordIds | Promise<RecordIds>;
}

/**
 * The claims on the dependents of these records.
 * @param claimOf checks the ids. @throws what it throws, and what the app's functions throw
 */
export async function claimsOfDependents<Context extends DependentsContext>(
  dependents: AppDependents<Context>,
  ids: readonly string[],
  context: Context,
  claimOf: (model: string, ids: RecordIds) => Claim,
): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  for (const [model, find] of Object.entries(dependents)) {
    claims.push(claimOf(model, await find(ids, context)));
  }
  return claims;
}
