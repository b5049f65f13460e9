import { escapeFormula, csvCell, isFormulaStart } from "../../../core/files/csv-text.ts";
import type { FileColumn } from "../../../core/files/file-column.ts";
import type { FileStyle } from "../../../core/files/file-reading.ts";
import type { Spelling } from "../../../core/files/spelling.ts";
import { spellingOf } from "../../../core/files/spelling.ts";
import type { EnumType, ScalarType } from "../../../core/records/model.ts";
import { toJsonValue } from "../../../kernel/json.ts";
import type { ValueReading } from "../records/read-values.ts";
import { valueOf } from "../records/read-values.ts";
import type { ByteSink } from "./byte-sink.ts";

/**
 * Writes a value as PostgreSQL sends it: the bytes of its text, see readAsText. Common types are written byte by byte, as
 * their spelling (core/files) says; the others by the spelling itself.
 */
export type WriteCell = (sink: ByteSink, from: Buffer, start: number, end: number) => void;

/** How a column's values are written. */
export interface CellWriter {
  readonly write: WriteCell;
  /** What stands for null. */
  readonly ifNull: Buffer;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** The first byte of a byte order mark. */
const MARK = 0xef;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_C = 0x43;
const LETTER_Z = 0x5a;
const LETTER_T = 0x74;

/** Makes the writer of a column. */
export function cellWriter(
  enums: readonly EnumType[],
  column: FileColumn,
  reading: ValueReading,
  style: FileStyle,
): CellWriter {
  const spelling = spellingOf(enums, column);
  const general = generalWriter(spelling, reading, style);
  const write = plainWriter(column, general, style) ?? general;
  const none = toJsonValue(valueOf(reading, null));
  const ifNull =
    style.format === "csv" ? csvCell(spelling.toText(none)) : JSON.stringify(spelling.toJson(none));
  return { write, ifNull: Buffer.from(ifNull) };
}

/** Writes any value by its spelling. */
function generalWriter(spelling: Spelling, reading: ValueReading, style: FileStyle): WriteCell {
  const spell =
    style.format === "jsonl"
      ? (value: unknown) => JSON.stringify(spelling.toJson(toJsonValue(value)))
      : (value: unknown) => {
          const text = spelling.toText(toJsonValue(value));
          return csvCell(text !== null && style.areFormulasEscaped ? escapeFormula(text) : text);
        };
  return (sink, from, start, end) => sink.text(spell(valueOf(reading, from.toString("utf8", start, end))));
}

/** Makes the writer of a type; undefined for one that is written by its spelling. */
type MakeWriter = (column: FileColumn, general: WriteCell, style: FileStyle) => WriteCell | undefined;

const isJson = ({ format }: FileStyle): boolean => format === "jsonl";

const makeTextWriter: MakeWriter = (_column, _general, style) =>
  isJson(style) ? writeJsonText : csvTextWriter(style.areFormulasEscaped);

/** JSON numbers lose digits, and an id is a text. */
const makeExactWriter: MakeWriter = (_column, _general, style) => (isJson(style) ? writeQuoted : writePlain);

const makeNumberWriter: MakeWriter = (column, general, style) =>
  column.isId ? makeExactWriter(column, general, style) : writePlain;

const MAKERS: Readonly<Record<ScalarType, MakeWriter>> = {
  String: makeTextWriter,
  Int: makeNumberWriter,
  BigInt: makeExactWriter,
  Float: (column, general, style) =>
    digitsWriter(makeNumberWriter(column, general, style) as WriteCell, general),
  Decimal: (column, general, style) =>
    digitsWriter(makeExactWriter(column, general, style) as WriteCell, general),
  Boolean: () => writeBoolean,
  DateTime: ({ field }, general, style) => momentWriter(field.nativeType ?? "", isJson(style), general),
  Json: () => undefined,
  Bytes: () => undefined,
};

/** The writer of a common type; undefined for others. */
function plainWriter(column: FileColumn, general: WriteCell, style: FileStyle): WriteCell | undefined {
  const { field, isLinks } = column;
  if (field.isList || isLinks) {
    return undefined;
  }
  if (field.kind === "enum") {
    return Object.keys(field.labels ?? {}).length > 0 ? undefined : makeTextWriter(column, general, style);
  }
  return MAKERS[field.type](column, general, style);
}

function writePlain(sink: ByteSink, from: Buffer, start: number, end: number): void {
  sink.copy(from, start, end);
}

function writeQuoted(sink: ByteSink, from: Buffer, start: number, end: number): void {
  sink.room(end - start + 2);
  sink.byte(QUOTE);
  sink.copy(from, start, end);
  sink.byte(QUOTE);
}

/** For numbers of digits, with a point; others, such as NaN and 1e+20, have another spelling. */
function digitsWriter(digits: WriteCell, general: WriteCell): WriteCell {
  return (sink, from, start, end) => {
    let at = start;
    while (at < end && (from[at] as number) <= NINE) {
      at += 1;
    }
    (at === end ? digits : general)(sink, from, start, end);
  };
}

const TRUE = Buffer.from("true");
const FALSE = Buffer.from("false");

function writeBoolean(sink: ByteSink, from: Buffer, start: number): void {
  const word = from[start] === LETTER_T ? TRUE : FALSE;
  sink.copy(word, 0, word.length);
}

function csvTextWriter(areFormulasEscaped: boolean): WriteCell {
  return (sink, from, start, end) => {
    if (areFormulasEscaped && start < end && isFormulaStart(from[start] as number)) {
      sink.text(csvCell(escapeFormula(from.toString("utf8", start, end))));
      return;
    }
    let isPlain = start < end;
    for (let at = start; isPlain && at < end; at += 1) {
      const byte = from[at] as number;
      isPlain = byte !== QUOTE && byte !== COMMA && byte !== NEWLINE && byte !== RETURN && byte !== MARK;
    }
    if (isPlain) {
      sink.copy(from, start, end);
    } else {
      sink.text(csvCell(from.toString("utf8", start, end)));
    }
  };
}

function writeJsonText(sink: ByteSink, from: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at += 1) {
    const byte = from[at] as number;
    if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) {
      sink.text(JSON.stringify(from.toString("utf8", start, end)));
      return;
    }
  }
  writeQuoted(sink, from, start, end);
}

/** Characters of `2026-01-31T12:00:00`. */
const SECONDS_LENGTH = 19;
const DAY_LENGTH = 10;
const MIDNIGHT = Buffer.from("T00:00:00.000Z");

/**
 * Writes moments of years with four digits from `"2026-01-31T12:00:00.123+00:00"`, without the offset where the type has none,
 * and days from `"2026-01-31"`. Others, and infinity, stay as PostgreSQL writes them.
 */
function momentWriter(nativeType: string, asJson: boolean, general: WriteCell): WriteCell {
  if (nativeType.startsWith("date")) {
    return dayWriter(asJson);
  }
  return nativeType.startsWith("timestamp")
    ? instantWriter(nativeType.includes("without time zone") ? 0 : "+00:00".length, asJson)
    : general;
}

function dayWriter(asJson: boolean): WriteCell {
  return (sink, from, start, end) => {
    if (end - start !== DAY_LENGTH + 2) {
      writeUnusual(sink, from, start, end, asJson);
    } else if (asJson) {
      sink.copy(from, start, end - 1);
      sink.copy(MIDNIGHT, 0, MIDNIGHT.length);
      sink.room(1);
      sink.byte(QUOTE);
    } else {
      sink.copy(from, start + 1, end - 1);
    }
  };
}

function instantWriter(offsetLength: number, asJson: boolean): WriteCell {
  return (sink, from, start, end) => {
    const last = end - 1 - offsetLength;
    // The years before Christ end with BC.
    const isUsual = from[start + 5] === MINUS && from[end - 2] !== LETTER_C;
    if (!isUsual) {
      writeUnusual(sink, from, start, end, asJson);
      return;
    }
    sink.copy(from, asJson ? start : start + 1, last);
    sink.room(6);
    // Milliseconds at least, as everywhere in the API.
    const digits = last - (start + 1 + SECONDS_LENGTH) - 1;
    if (digits < 0) {
      sink.byte(POINT);
    }
    for (let missing = 3 - Math.max(0, digits); missing > 0; missing -= 1) {
      sink.byte(ZERO);
    }
    sink.byte(LETTER_Z);
    if (asJson) {
      sink.byte(QUOTE);
    }
  };
}

function writeUnusual(sink: ByteSink, from: Buffer, start: number, end: number, asJson: boolean): void {
  const text = from.toString("utf8", start, end);
  sink.text(asJson ? text : csvCell(escapeFormula(JSON.parse(text) as string)));
}
