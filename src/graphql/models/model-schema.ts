import type { BulkRules } from "../../core/bulk/bulk-rules.ts";
import type { LaunchBulk } from "../../core/bulk/bulk-request.ts";
import type { WriteOne } from "../../core/bulk/write-one.ts";
import type { ScopePorts } from "../../core/records/scoped-filter.ts";
import type { Model } from "../../core/records/model.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import type { WhereFilter } from "../../core/records/selection.ts";
import type { BuilderTypes, SchemaContext } from "../builder.ts";
import type { LoadedRecord } from "../pagination/page.ts";
import type { LockHolders } from "./lock-holders.ts";
import type { AnyInputRef, RecordInputOptions } from "./pothos-dynamic.ts";

/** Reads a model's records; arguments are the Prisma client's. */
export interface RecordSource {
  findMany(args: object): Promise<readonly LoadedRecord[]>;
  findFirst(args: object): Promise<LoadedRecord | null>;
  count(args: object): Promise<number>;
}

/** What the models' resolvers work with. */
export interface ModelPorts extends ScopePorts {
  source(model: string): RecordSource;
  /** The filter as the client takes it. */
  toClientWhere(model: Model, where: WhereFilter | undefined): object;
  readonly reader: RecordReader;
  readonly writeOne: WriteOne;
  readonly launchBulk: LaunchBulk;
  readonly rules: BulkRules;
  /** More records than these are refused in one bulk operation. */
  readonly maxRecords: number;
  readonly lockHolders: LockHolders;
  /** Whether some viewers may not see all of the model's records, so that a link to one may be empty. */
  hasScope(model: string): boolean;
}

export type AnyEnumRef = PothosSchemaTypes.EnumRef<BuilderTypes, string>;

/** What the rooms' functions are given to build one schema with. Inputs are made on first use, once by name. */
export interface ModelSchema extends SchemaContext {
  readonly ports: ModelPorts;
  readonly enums: ReadonlyMap<string, AnyEnumRef>;
  /** The input of that name, made unless it is there already. */
  input(name: string, options: RecordInputOptions): AnyInputRef;
}
