import { Turns } from "../kernel/turns.ts";

/** The most characters of a text, beside long lists. */
export const PLAIN_JSON_LENGTH = 1024 * 1024;
/** The most characters that are parsed in one go: the native parser may take some 10 ms for them. */
export const SHORT_JSON_LENGTH = 128 * 1024;

/** How a long text is taken apart. */
interface JsonLimits {
  /** See {@link PLAIN_JSON_LENGTH}. */
  readonly plainLength: number;
  /** Characters of the longest list or object that is parsed as a whole. */
  readonly pieceLength: number;
}

const LIMITS: JsonLimits = { plainLength: PLAIN_JSON_LENGTH, pieceLength: 64 * 1024 };
/** The most levels of lists and objects in variables. Much deeper values would overflow the stack. */
export const MAX_NESTING = 1_000;
/** Lists and objects within each other that are taken apart. Those of a bulk operation are nearer to the root. */
const MAX_LEVELS = 8;

/** A text that is refused before it is parsed. */
export class TextTooLarge extends Error {
  /** Whether it is longer than {@link PLAIN_JSON_LENGTH} for another reason than long lists; else it is nested too deeply. */
  readonly isTooLong: boolean;

  constructor(isTooLong: boolean) {
    super();
    this.isTooLong = isTooLong;
  }
}

/**
 * Parses a JSON text in many turns of the event loop, as `JSON.parse` would in one. Only lists may be long: all that
 * is beside them, and each text, has at most {@link PLAIN_JSON_LENGTH} characters.
 * @throws SyntaxError for a text that is no JSON, {@link TextTooLarge}
 */
export function parseLongJson(text: string, limits = LIMITS): Promise<unknown> {
  const parsed = last.then(() => parse(text, limits));
  last = parsed.catch(() => undefined);
  return parsed;
}

/** Texts are parsed one after the other: the turns of many at once would follow each other without a pause. */
let last: Promise<unknown> = Promise.resolve();

const longOnes = new WeakSet<object>();

/** Whether it is a list or object that {@link parseLongJson} has taken apart, of a text longer than {@link PLAIN_JSON_LENGTH}. */
export function isLong(value: object): boolean {
  return longOnes.has(value);
}

async function parse(text: string, limits: JsonLimits): Promise<unknown> {
  const turns = new Turns();
  const root = await scan(text, limits, turns);
  if (lengthOutsideLists(root) > limits.plainLength) {
    throw new TextTooLarge(true);
  }
  return build(text, root, limits, turns);
}

/** A part of a list or object: members that are parsed together, or one member whose value is taken apart. */
interface Part {
  /** Behind the bracket or comma before it. */
  readonly from: number;
  /** At the bracket or comma behind it. */
  readonly to: number;
  readonly value?: Container;
}

/** A list or object that is longer than a piece. */
interface Container {
  readonly isList: boolean;
  /** At its brackets. */
  readonly from: number;
  to: number;
  readonly parts: Part[];
}

/** One that is open while the text is scanned. */
interface Open extends Container {
  /** Where the members begin that no part has yet. */
  partFrom: number;
  memberFrom: number;
  /** The value of the current member, if it is long. */
  long: Container | undefined;
}

const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
const CHARACTERS_PER_LOOK = 100_000;

/** Finds the long lists and objects, and where their members can be cut. */
async function scan(text: string, limits: JsonLimits, turns: Turns): Promise<Container> {
  const brackets = new Brackets(limits);
  let lookAt = CHARACTERS_PER_LOOK;
  for (let at = 0; at < text.length && brackets.root === undefined; at += 1) {
    if (at >= lookAt) {
      lookAt = at + CHARACTERS_PER_LOOK;
      if (turns.isOver()) {
        await turns.next();
      }
    }
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at, limits);
    } else {
      brackets.take(code, at);
    }
  }
  const { root = refuse() } = brackets;
  return text.slice(root.to + 1).trim() === "" && text.slice(0, root.from).trim() === "" ? root : refuse();
}

/** The lists and objects that are open. */
class Brackets {
  /** The whole, once it is closed. */
  root: Container | undefined;
  readonly #limits: JsonLimits;
  readonly #open: Open[] = [];
  /** How many are open within the last of them, and are not taken apart. */
  #deeper = 0;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  /** Takes a character that is outside of all texts. */
  take(code: number, at: number): void {
    if (code === OPEN_LIST || code === OPEN_OBJECT) {
      this.#begin(at, code === OPEN_LIST);
    } else if (code === COMMA) {
      this.#comma(at);
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      this.#close(at, code === CLOSE_LIST);
    }
  }

  #begin(at: number, isList: boolean): void {
    if (this.#open.length === MAX_LEVELS) {
      this.#deeper += 1;
      // The variables are one or two levels below the root.
      if (MAX_LEVELS + this.#deeper > MAX_NESTING + 2) {
        throw new TextTooLarge(false);
      }
    } else {
      this.#open.push(opened(at, isList));
    }
  }

  #comma(at: number): void {
    if (this.#deeper === 0) {
      endMember(this.#open.at(-1) ?? refuse(), at, this.#limits, false);
    }
  }

  #close(at: number, isList: boolean): void {
    if (this.#deeper > 0) {
      this.#deeper -= 1;
      return;
    }
    const container = this.#open.pop() ?? refuse();
    if (container.isList !== isList) {
      refuse();
    }
    endMember(container, at, this.#limits, true);
    container.to = at;
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      this.root = container;
    } else if (at - container.from > this.#limits.pieceLength) {
      parent.long = container;
    }
  }
}

function opened(at: number, isList: boolean): Open {
  return { isList, from: at, to: at, parts: [], partFrom: at + 1, memberFrom: at + 1, long: undefined };
}

/** The place of the quotation mark that ends the text. */
function endOfString(text: string, start: number, { plainLength }: JsonLimits): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    if (at - start > plainLength) {
      throw new TextTooLarge(true);
    }
    let before = at - 1;
    while (text.charCodeAt(before) === 92) {
      before -= 1;
    }
    if ((at - before) % 2 === 1) {
      return at;
    }
  }
  return refuse();
}

/** @param at the comma or bracket behind the member */
function endMember(open: Open, at: number, { pieceLength }: JsonLimits, isLast: boolean): void {
  const { parts, partFrom, memberFrom, long } = open;
  if (long !== undefined) {
    if (memberFrom > partFrom) {
      parts.push({ from: partFrom, to: memberFrom - 1 });
    }
    parts.push({ from: memberFrom, to: at, value: long });
    open.partFrom = at + 1;
    open.long = undefined;
  } else if (isLast || at - partFrom > pieceLength) {
    parts.push({ from: partFrom, to: at });
    open.partFrom = at + 1;
  }
  open.memberFrom = at + 1;
}

function lengthOutsideLists({ isList, from, to, parts }: Container): number {
  if (isList) {
    return 0;
  }
  return parts.reduce(
    (length, { value }) =>
      value === undefined ? length : length - (value.to - value.from) + lengthOutsideLists(value),
    to - from,
  );
}

async function build(
  text: string,
  { isList, parts }: Container,
  limits: JsonLimits,
  turns: Turns,
): Promise<unknown> {
  const list: unknown[] = [];
  const object: Record<string, unknown> = {};
  for (const part of parts) {
    if (turns.isOver()) {
      await turns.next();
    }
    if (part.value !== undefined) {
      const name = nameOf(text, part, part.value, isList);
      const value = await build(text, part.value, limits, turns);
      if (isList) {
        list.push(value);
      } else {
        addMember(object, name, value);
      }
      continue;
    }
    const piece = text.slice(part.from, part.to);
    if (piece.length > limits.plainLength) {
      throw new TextTooLarge(true);
    }
    if (parts.length > 1 && piece.trim() === "") {
      refuse();
    }
    const members = parseMembers(piece, isList);
    if (isList) {
      (members as unknown[]).forEach((member) => list.push(member));
    } else {
      Object.entries(members).forEach(([name, value]) => addMember(object, name, value));
    }
  }
  const whole = isList ? list : object;
  if (text.length > limits.plainLength) {
    longOnes.add(whole);
  }
  return whole;
}

/** The name of a member whose value is parsed by itself; of a list's, "0". Around the value stands nothing else. */
function nameOf(text: string, { from, to }: Part, value: Container, isList: boolean): string {
  const around = `${text.slice(from, value.from)}""${text.slice(value.to + 1, to)}`;
  const [[name, empty] = refuse(), ...others] = Object.entries(parseMembers(around, isList));
  return empty === "" && others.length === 0 ? name : refuse();
}

function parseMembers(text: string, isList: boolean): object {
  return JSON.parse(isList ? `[${text}]` : `{${text}}`) as object;
}

/** As `JSON.parse` does it: the last of several members of one name counts, and no name is a setter's. */
function addMember(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
}

function refuse(): never {
  throw new SyntaxError("The text is not valid JSON.");
}
