import type { RecordProblem } from "../refusals/problems.ts";
import { counted } from "../../kernel/counted.ts";

/** A value that was to be written to a column. */
export interface WrittenValue {
  /** The field's name. */
  readonly field: string;
  /** The column's type as PostgreSQL writes it, with its length or precision. */
  readonly nativeType: string;
  /** `set`, or arithmetic on what is there. */
  readonly operator: string;
  /** Typed, or JSON. */
  readonly value: unknown;
}

/** SQLSTATEs: a text is too long, a number is out of range, a bit string has the wrong length. */
const OVERRUNS: ReadonlySet<string> = new Set(["22001", "22003", "22026"]);

/** The types whose texts can be unreadable to the database, by its SQLSTATE for that. */
const READ_BY_RULES: Readonly<Record<string, RegExp>> = {
  "22P02": /^(?:uuid|inet|cidr|macaddr8?|bit|money|xml)/,
  "2200N": /^xml/,
  "22007": /^(?:date|time)/,
  "22008": /^(?:date|time)/,
};

/**
 * The value that the database refused, and why; undefined if that cannot be known, since the database does not always
 * name the column.
 * @param state the SQLSTATE of its error
 */
export function valueFault(
  state: string,
  values: readonly WrittenValue[],
): Required<Pick<RecordProblem, "field" | "message">> | undefined {
  return OVERRUNS.has(state) ? findOverrun(state, values) : findUnreadable(state, values);
}

function findOverrun(state: string, values: readonly WrittenValue[]): ReturnType<typeof valueFault> {
  for (const { field, nativeType, operator, value } of values) {
    if (isNumber(nativeType) !== (state === "22003")) {
      continue;
    }
    const overrun = operator === "set" ? describeOverrun(nativeType, value) : undefined;
    if (overrun !== undefined) {
      return { field, message: `"${field}" ${overrun}.` };
    }
  }
  const [only, ...others] = values.filter(({ operator }) => operator !== "set");
  if (state !== "22003" || only === undefined || others.length > 0) {
    return undefined;
  }
  const { field, nativeType } = only;
  const range = describeRange(nativeType);
  return {
    field,
    message: `"${field}" would go beyond what it holds${range === undefined ? "" : `: ${range}`}.`,
  };
}

/** Whether the type is numeric: overruns of numbers have an SQLSTATE of their own, 22003. */
function isNumber(nativeType: string): boolean {
  return /^(?:smallint|integer|bigint|oid|real|double|numeric|money)/.test(nativeType);
}

function findUnreadable(state: string, values: readonly WrittenValue[]): ReturnType<typeof valueFault> {
  const types = READ_BY_RULES[state];
  const [only, ...others] = values.filter(
    ({ nativeType, value }) => value !== null && types?.test(nativeType) === true,
  );
  return only === undefined || others.length > 0
    ? undefined
    : {
        field: only.field,
        message: `"${only.field}" needs a value of its type, ${only.nativeType}.`,
      };
}

/** Reads a type such as `character varying(2)` or `numeric(6,2)[]`. */
const TYPE = /^([a-z ]+?)(?:\((\d+)(?:,(-?\d+))?\))?((?: with(?:out)? time zone)?(?:\[\])?)$/;

const WHOLE_NUMBERS: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  smallint: [-32_768n, 32_767n],
  integer: [-2_147_483_648n, 2_147_483_647n],
  bigint: [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n],
  oid: [0n, 4_294_967_295n],
};

/** The greatest number of each type that rounds. */
const GREATEST: Readonly<Record<string, number>> = { real: 3.402_823_5e38, money: 92_233_720_368_547_760 };

/** Types with a length or a precision, and how to describe a value that exceeds it. */
const SIZED: Readonly<Record<string, (text: string, size: number, scale: number) => string | undefined>> = {
  "character varying": describeLength,
  character: describeLength,
  "bit varying": (text, size) => describeBits(text, size, false),
  bit: (text, size) => describeBits(text, size, true),
  numeric: describeDigits,
};

/**
 * Why a column cannot hold a value, in words that follow its name: `holds at most 2 characters, and 3 are given`.
 * Undefined if the value fits, or is refused for another reason.
 * @param nativeType as PostgreSQL writes it, with its length or precision
 * @param value typed, or JSON; of a list, each item is checked
 */
function describeOverrun(nativeType: string, value: unknown): string | undefined {
  if (Array.isArray(value)) {
    return value.map((item) => describeOverrun(nativeType, item)).find((words) => words !== undefined);
  }
  if (value === null || value === undefined) {
    return undefined;
  }
  const text = typeof value === "string" ? value : (value as { toString(): string }).toString();
  const [, name = "", size, scale = "0"] = TYPE.exec(nativeType) ?? [];
  const describe = SIZED[name];
  if (describe === undefined) {
    return describeSize(nativeType, text);
  }
  return size === undefined ? undefined : describe(text, Number(size), Number(scale));
}

/** The numbers that a column holds: `whole numbers from -32768 to 32767`; undefined if that is not known. */
function describeRange(nativeType: string): string | undefined {
  const [, name = "", size, scale] = TYPE.exec(nativeType) ?? [];
  const whole = WHOLE_NUMBERS[name];
  if (whole !== undefined) {
    return `whole numbers from ${whole[0]} to ${whole[1]}`;
  }
  if (name === "numeric" && size !== undefined) {
    return `at most ${counted(Number(size) - Number(scale ?? 0), "digit")} before the decimal point`;
  }
  const greatest = GREATEST[name];
  return greatest === undefined ? undefined : `numbers from ${-greatest} to ${greatest}`;
}

/** Blanks at the end are cut off, not refused. */
function describeLength(text: string, most: number): string | undefined {
  // As the database counts them, so an emoji is one.
  const characters = Array.from(text);
  return characters.slice(most).every((character) => character === " ")
    ? undefined
    : `holds at most ${counted(most, "character")}, and ${characters.length} are given`;
}

function describeBits(text: string, size: number, isExact: boolean): string | undefined {
  if (isExact ? text.length === size : text.length <= size) {
    return undefined;
  }
  const given = text.length === 1 ? "1 is" : `${text.length} are`;
  return `holds ${isExact ? "exactly" : "at most"} ${counted(size, "bit")}, and ${given} given`;
}

/** The database rounds to the scale first, and then looks at the digits. */
function describeDigits(text: string, precision: number, scale: number): string | undefined {
  const [, whole = "", fraction = "", exponent = "0"] =
    /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const shift = Number(exponent) - fraction.length + scale;
  if (whole === "" || Math.abs(shift) > 10_000) {
    return undefined;
  }
  const digits = BigInt(whole + fraction);
  const unit = 10n ** BigInt(Math.abs(shift));
  const scaled = shift >= 0 ? digits * unit : (digits + unit / 2n) / unit;
  if (scaled < 10n ** BigInt(precision)) {
    return undefined;
  }
  const given = String(scaled).length - scale;
  return `holds at most ${counted(precision - scale, "digit")} before the decimal point, and ${given} are given`;
}

function describeSize(nativeType: string, text: string): string | undefined {
  const [, name = ""] = TYPE.exec(nativeType) ?? [];
  const whole = WHOLE_NUMBERS[name];
  const greatest = GREATEST[name];
  const isBeyond =
    whole === undefined
      ? greatest !== undefined && Math.abs(Number(text)) > greatest
      : /^-?\d+$/.test(text) && (BigInt(text) < whole[0] || BigInt(text) > whole[1]);
  return isBeyond ? `holds ${describeRange(nativeType)}, and ${text} is given` : undefined;
}
