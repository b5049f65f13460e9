import type { BulkRules } from "../../core/bulk/bulk-rules.ts";
import type { LaunchBulk } from "../../core/bulk/bulk-request.ts";
import type { ScopePorts } from "../../core/records/scoped-filter.ts";
import type { Model } from "../../core/records/model.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import type { WhereFilter } from "../../core/records/selection.ts";
import type { WriteRecords } from "../../core/records/write-record.ts";
import type { BuilderTypes, SchemaContext } from "../builder.ts";
import type { LoadedRecord } from "../pagination/page.ts";
import type { LockHolders } from "./lock-holders.ts";
import type { AnyInputRef, RecordInputOptions } from "./pothos-dynamic.ts";
import type { CanSee } from "./scope-check.ts";

/** Reads a model's records; arguments are the Prisma client's. */
export interface RecordSource {
  findMany(args: object): Promise<readonly LoadedRecord[]>;
  findFirst(args: object): Promise<LoadedRecord | null>;
  count(args: object): Promise<number>;
}

/** What the models' resolvers call. */
export interface ModelPorts extends ScopePorts {
  source(model: string): RecordSource;
  /** The filter as the client takes it. */
  toClientWhere(model: Model, where: WhereFilter | undefined): object;
  readonly reader: RecordReader;
  readonly writeRecords: WriteRecords;
  readonly launchBulk: LaunchBulk;
  readonly rules: BulkRules;
  /** More records than these are refused in one bulk operation. */
  readonly maxRecords: number;
  readonly lockHolders: LockHolders;
  /** Whether the model has a scope, so that a link to one of its records may be hidden. */
  hasScope(model: string): boolean;
}

export type AnyEnumRef = PothosSchemaTypes.EnumRef<BuilderTypes, string>;

/** What the models' part of one schema is built with. */
export interface ModelSchema extends SchemaContext {
  readonly ports: ModelPorts;
  readonly enums: ReadonlyMap<string, AnyEnumRef>;
  readonly canSee: CanSee;
  /** The input of that name; made at the first call. */
  input(name: string, options: RecordInputOptions): AnyInputRef;
}
