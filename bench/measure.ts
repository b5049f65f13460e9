import type pg from "pg";
import type { Client as SocketClient } from "graphql-ws";

/** One line of the result. */
export interface Measure {
  readonly name: string;
  /** What was measured, in words and figures. */
  readonly value: string;
  /** The bare stack in the same run. */
  readonly floor: string;
  /** value : floor, where the two compare. */
  readonly ratio?: number;
  /** What is to be reached. */
  readonly target: string;
}

/** What the measures work with. */
export interface BenchTools {
  readonly pool: pg.Pool;
  readonly socket: SocketClient;
  /** The ids of the records that are worked on, 100,000 of them. */
  readonly ids: readonly number[];
  /** One operation over HTTP. @throws when the answer has errors */
  request<T>(query: string, variables: Record<string, unknown>): Promise<T>;
}
