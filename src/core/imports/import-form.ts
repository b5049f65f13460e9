import type { BulkOperation } from "../bulk/record-writer.ts";
import type { EmptyCells } from "../files/csv-text.ts";

/** What an import does with each row. */
export type ImportOperation = "CREATE" | "UPDATE" | "UPSERT";

/** The bulk operation that writes the rows. */
export const OPERATION_OF = {
  CREATE: "CREATE",
  UPDATE: "UPDATE_EACH",
  UPSERT: "UPSERT",
} as const satisfies Record<ImportOperation, BulkOperation["operation"]>;

/** The formats of files. */
export type ImportFormat = "CSV" | "JSONL";

/** The encodings of files. */
export type ImportEncoding = "UTF-8" | "ISO-8859-1" | "UTF-16LE" | "UTF-16BE";

/** How the text of a CSV file is divided into cells. What is left out is found out from the file. */
export interface CsvDialect {
  /** One character, such as `,`, `;` or a tab. Default: the one of `,` `;` tab `|` that divides the first lines best. */
  readonly separator?: string;
  /** One character. Default: `"` */
  readonly quote?: string;
}

/** How the text of a CSV file is read. */
export interface ImportCsv extends CsvDialect {
  /** What an empty cell means. Default: BY_QUOTES */
  readonly empty?: EmptyCells;
  /** Whether an apostrophe in front of a formula goes. Default: true */
  readonly areFormulasEscaped?: boolean;
}

/** A text of an option, and the words for what it has to be. */
export interface TextRule {
  readonly expected: string;
  readonly isFit: (text: string) => boolean;
}

/** A separator or a quote. Neither a line break nor half of a pair, since rows are searched for it. */
export const CSV_CHARACTER: TextRule = {
  expected: "one character",
  isFit: (text) => text.length === 1 && text !== "\u0000" && !/[\r\n\uD800-\uDFFF]/.test(text),
};

/** The offset of times that have none. */
export const TIME_OFFSET: TextRule = {
  expected: "Z, or an offset such as +02:00",
  isFit: (text) => /^(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)$/.test(text),
};

/** What to do with a file's rows, and how to read them. Kept with the task. */
export interface ImportForm {
  readonly model: string;
  readonly operation: ImportOperation;
  readonly format: ImportFormat;
  /**
   * The name of the unique key by which rows name their records, as the API calls it: `id`, `email`, `teamId_slug`. Not for
   * CREATE. Default: the primary key.
   */
  readonly key?: string;
  /** Paths of fields by headers of the file that say something else; an empty path leaves a column out. */
  readonly mapping?: Readonly<Record<string, string>>;
  /** Of a file without a byte order mark, which wins. Default: UTF-8, or ISO-8859-1 where the beginning is no UTF-8. */
  readonly encoding?: ImportEncoding;
  readonly csv?: ImportCsv;
  /** Whether numbers have a comma before their fraction. Default: false */
  readonly hasDecimalComma?: boolean;
  /** The offset of times that have none: `Z`, `+02:00`. Default: such times are refused. */
  readonly timeOffset?: string;
}
