import type {
  KeptPreview,
  PreviewFigures,
  PreviewReader,
  PreviewValues,
} from "../../../core/bulk/preview.ts";
import { figuresOf } from "../../../core/bulk/preview-figures.ts";
import type { Model, ModelRegistry } from "../../../core/records/model.ts";
import { columnsOf } from "../../../core/records/model.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import { storableError } from "../../../core/tasks/task-error.ts";
import type { Json } from "../../../kernel/json.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { figureToSql } from "../aggregates/figure-to-sql.ts";
import type { ToDecimal } from "../records/read-values.ts";
import { readInJson, valueOf } from "../records/read-values.ts";
import type { TableShape, TableShapes } from "../records/table-shape.ts";
import { READ_PREVIEWS, WRITE_PREVIEW } from "../sql/previews.ts";

/** A value as JSON has it; or the beginning of a long one's text, and true. */
type Cell = readonly [Json] | readonly [string, true];

/** A record as it is stored. */
export interface StoredRecord {
  readonly recordId: string;
  readonly place: number;
  readonly before: Readonly<Record<string, Cell>> | null;
  readonly after: Readonly<Record<string, Cell>> | null;
  readonly error?: NewTaskError;
}

/** A preview as it is stored. */
export interface StoredPreview {
  readonly readFilter: string | null;
  readonly fields: readonly {
    readonly field: string;
    readonly changed: number;
    readonly valueCount: number;
    readonly values: readonly (readonly [Cell, number])[];
    /** Figures in the order of figuresOf. */
    readonly before: readonly Json[] | null;
    readonly after: readonly Json[] | null;
  }[];
  /** A sample: so are its first few. */
  readonly records: readonly StoredRecord[];
}

/** Keeps the preview of a task's attempt in the place of an earlier one; not of an attempt that has lost the task. */
export async function writePreview(
  session: SqlSession,
  { taskId, attempt }: { readonly taskId: string; readonly attempt: number },
  { readFilter, fields, records }: StoredPreview,
): Promise<void> {
  const json = (value: unknown): string | null => (value == null ? null : JSON.stringify(value));
  await session.query(WRITE_PREVIEW, [
    taskId,
    attempt,
    readFilter,
    JSON.stringify(fields),
    records.map(({ recordId, error }) => (error && storableError(error).recordId) ?? recordId),
    records.map(({ place }) => place),
    records.map(({ before }) => json(before)),
    records.map(({ after }) => json(after)),
    records.map(({ error }) => json(error && storableError(error))),
  ]);
}

interface PreviewRow {
  readonly task_id: string;
  readonly read_filter: string | null;
  readonly fields: StoredPreview["fields"];
  readonly records: readonly StoredRecord[];
}

/** Reads previews, and makes of their values what the record reader makes of them. */
export function createPreviewReader(ports: {
  readonly session: SqlSession;
  readonly models: ModelRegistry;
  readonly shapes: TableShapes;
  readonly toDecimal: ToDecimal;
}): PreviewReader {
  const { session, models, shapes, toDecimal } = ports;
  return {
    async read(tasks, first) {
      const modelOf = new Map(tasks.map(({ id, model }) => [id, model]));
      const rows = await session.query<PreviewRow>(READ_PREVIEWS, [[...modelOf.keys()], first]);
      const read = rows.map(async (row): Promise<readonly [string, KeptPreview]> => {
        const table = await shapes.of(models.get(modelOf.get(row.task_id) ?? ""));
        return [row.task_id, decode(row, decodersOf(table, toDecimal))];
      });
      return new Map(await Promise.all(read));
    },
  };
}

/** What makes values of what is stored. A field that the model has no more has none. */
interface Decoders {
  readonly values: ReadonlyMap<string, (cell: Cell) => unknown>;
  figures(field: string, figures: readonly Json[] | null): PreviewFigures | null;
}

function decodersOf(table: TableShape, toDecimal: ToDecimal): Decoders {
  const { model } = table;
  const plain = (cell: Cell): unknown => cell[0];
  const columns = [...table.columns].map(([name, shape]) => {
    const reading = readInJson(shape, "", toDecimal);
    return [name, (cell: Cell) => (cell.length === 2 ? cell[0] : valueOf(reading, cell[0]))] as const;
  });
  const links = [...table.joinTables.keys()].map((name) => [name, plain] as const);
  return {
    values: new Map([...columns, ...links]),
    figures: (field, figures) => figures && decodeFigures(table, model, { field, figures, toDecimal }),
  };
}

function decodeFigures(
  table: TableShape,
  model: Model,
  {
    field: name,
    figures,
    toDecimal,
  }: { readonly field: string; readonly figures: readonly Json[]; readonly toDecimal: ToDecimal },
): PreviewFigures | null {
  const field = columnsOf(model).find((column) => column.name === name);
  const known = field && figuresOf(model, field);
  const [min, max, sum] = (known ?? []).map((figure, at) => {
    const { shape } = figureToSql(table, "", figure);
    return valueOf(readInJson({ ...shape, name: "" }, "", toDecimal), figures[at] ?? null);
  });
  return known == null ? null : { min, max, sum };
}

function decode({ read_filter: readFilter, fields, records }: PreviewRow, decoders: Decoders): KeptPreview {
  const { values, figures } = decoders;
  const valuesOf = (cells: StoredRecord["before"]): PreviewValues | null =>
    cells &&
    Object.fromEntries(
      Object.entries(cells).flatMap(([name, cell]) => {
        const toValue = values.get(name);
        return toValue === undefined ? [] : [[name, toValue(cell)]];
      }),
    );
  return {
    readFilter,
    fields: fields.flatMap(({ field, changed, valueCount, values: top, before, after }) => {
      const toValue = values.get(field);
      const listed = top.map(([cell, count]) => ({ value: toValue?.(cell), count }));
      return toValue === undefined
        ? []
        : [
            {
              field,
              changed,
              valueCount,
              values: listed,
              before: figures(field, before),
              after: figures(field, after),
            },
          ];
    }),
    records: records.map(({ recordId, before, after, error }) => ({
      recordId,
      before: valuesOf(before),
      after: valuesOf(after),
      ...(error == null ? {} : { error }),
    })),
  };
}
